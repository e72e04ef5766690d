import type { ResponseHead } from './http-exchange.ts';

/**
 * What tells one version of an object from another. Safe as JSON and free of secrets, so that it can be kept with an
 * operation and be held against the object when the operation goes on.
 */
export interface SourceIdentity {
  /** The address that was given, without user information, query and fragment. */
  readonly url: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Undefined while a body of unknown length is received for the first time. */
  readonly sizeBytes: number | undefined;
  /** Whether the server gives ranges. */
  readonly ranges: boolean;
}

export function identityOf(
  url: URL,
  head: ResponseHead,
  facts: { readonly sizeBytes: number | undefined; readonly ranges: boolean },
): SourceIdentity {
  return {
    url: url.origin + url.pathname,
    etag: head.headers.get('etag'),
    lastModified: head.headers.get('last-modified'),
    sizeBytes: facts.sizeBytes,
    ranges: facts.ranges,
  };
}

/** Whether two answers can be shown to come from the same version: without a validator nothing is shown. */
export function isVerifiable(identity: SourceIdentity): boolean {
  return identity.etag !== undefined || identity.lastModified !== undefined;
}

/** The ETag if it is a strong one of plain characters: only that may stand in `If-Range` (RFC 9110, 8.8.3 and 13.1.5). */
export function strongEtag(identity: SourceIdentity): string | undefined {
  return identity.etag !== undefined && /^"[\x21\x23-\x7e]*"$/.test(identity.etag) ? identity.etag : undefined;
}

/**
 * How `seen` differs from `known`, as the end of a sentence that begins "The file at the source", or undefined when
 * they agree. A strong ETag decides alone; Last-Modified is not compared beside it, because a partial answer may leave
 * it out and mirrors of one file differ in it.
 */
export function difference(known: SourceIdentity, seen: SourceIdentity): string | undefined {
  if (known.sizeBytes !== undefined && seen.sizeBytes !== undefined && known.sizeBytes !== seen.sizeBytes) {
    return `had ${known.sizeBytes} bytes and now has ${seen.sizeBytes}.`;
  }
  if (known.etag !== seen.etag) return 'has another ETag than before.';
  if (strongEtag(known) === undefined && known.lastModified !== seen.lastModified) {
    return 'has another modification time than before.';
  }
  return undefined;
}

/** An identity read back from JSON, or undefined when it is not one. */
export function readIdentity(value: unknown): SourceIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields: { [name: string]: unknown } = { ...value };
  const { url, etag, lastModified, sizeBytes, ranges } = fields;
  if (typeof url !== 'string' || typeof ranges !== 'boolean') return undefined;
  if (etag !== undefined && typeof etag !== 'string') return undefined;
  if (lastModified !== undefined && typeof lastModified !== 'string') return undefined;
  if (sizeBytes !== undefined && (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes))) return undefined;
  return { url, etag, lastModified, sizeBytes, ranges };
}
