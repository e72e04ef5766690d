import type { ResponseHead } from './http-exchange.ts';
import { SourceFailed } from './source-failed.ts';
import { describeUri } from './source-uri.ts';

/** Statuses that another try may not meet (RFC 9110; 425 is RFC 8470, 429 RFC 6585), besides 5xx. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429]);

/** The failure that a status other than a success or a redirect means. */
export function statusFailure(url: URL, head: ResponseHead): SourceFailed {
  const { status } = head;
  const address = describeUri(url);
  if (status === 404 || status === 410) {
    return new SourceFailed({ kind: 'not-found', url: address, reason: `The server has no such file (${status}).` });
  }
  if (status === 401 || status === 403) {
    return new SourceFailed({
      kind: 'forbidden',
      url: address,
      reason: `The server does not give this file to us (${status}).`,
      remedy: 'If the object is private, give a pre-signed address that is still valid.',
    });
  }
  const transient = TRANSIENT.has(status) || status >= 500;
  return new SourceFailed({
    kind: 'server-error',
    url: address,
    reason: `The server answered with status ${status}.`,
    transient,
    retryAfterMs: transient ? parseRetryAfter(head.headers.get('retry-after'), Date.now()) : undefined,
  });
}

/** `Retry-After` in its two forms, seconds and an HTTP date, as milliseconds from `nowMs`. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
