import type { ServiceError } from '../errors.ts';

/** The header that tells REST clients when to try again what was refused only for now; RFC 9110, 10.2.3: whole seconds. */
export function retryAfterHeader({ retryMs }: Pick<ServiceError, 'retryMs'>): Record<string, string> {
  return retryMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryMs / 1000))) };
}
