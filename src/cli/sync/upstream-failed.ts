import { CliFailed } from '../cli-failed.ts';

/** A publisher's server, or what it says of its images, is of no use now; the message names both. */
export class UpstreamFailed extends CliFailed {
  constructor(url: string, fact: string, options?: ErrorOptions) {
    super(`${describeUrl(url)} ${fact}`, options);
    this.name = 'UpstreamFailed';
  }
}

/** An address for people: what may be secret in it, behind `?`, is left out. */
export function describeUrl(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url : `${parsed.origin}${parsed.pathname}`;
}
