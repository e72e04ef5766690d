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
  /** The SHA-256 of the whole file as the server states it (`Repr-Digest`, RFC 9530), in hexadecimal digits. */
  readonly sha256: string | undefined;
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
    sha256: parseReprDigest(head.headers.get('repr-digest')),
  };
}

/** The SHA-256 in a `Repr-Digest` field, a dictionary of byte sequences: `sha-256=:base64:`; others are passed over. */
function parseReprDigest(field: string | undefined): string | undefined {
  const base64 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(field ?? '')?.[1];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex');
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
  const { url, etag, lastModified, sizeBytes, ranges, sha256 } = fields;
  if (typeof url !== 'string' || typeof ranges !== 'boolean') return undefined;
  if (etag !== undefined && typeof etag !== 'string') return undefined;
  if (sha256 !== undefined && typeof sha256 !== 'string') return undefined;
  if (lastModified !== undefined && typeof lastModified !== 'string') return undefined;
  if (sizeBytes !== undefined && (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes))) return undefined;
  return { url, etag, lastModified, sizeBytes, ranges, sha256 };
}
