import { createHash, createHmac } from 'node:crypto';
import { s3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

/**
 * AWS Signature Version 4, as S3 has it: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 *   canonical request   verb \n path \n query \n header lines \n names of the signed headers \n hash of the body
 *   string to sign      AWS4-HMAC-SHA256 \n time \n scope \n SHA-256 of the canonical request
 *   scope               day/region/s3/aws4_request
 *   key                 HMAC over HMAC: "AWS4" + secret, day, region, "s3", "aws4_request"
 */

export const algorithm = 'AWS4-HMAC-SHA256';

/** What a signature is of, besides the request. */
export interface Scope {
  /** YYYYMMDD */
  readonly day: string;
  readonly region: string;
}

export function scopeText({ day, region }: Scope): string {
  return `${day}/${region}/s3/aws4_request`;
}

export function signingKey(secret: string, { day, region }: Scope): Buffer {
  return [day, region, 's3', 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${secret}`),
  );
}

/** In hexadecimal digits. */
export function signatureOf(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

/** `time` is YYYYMMDDTHHMMSSZ. */
export function stringToSign(time: string, scope: Scope, canonicalRequest: string): string {
  return [algorithm, time, scopeText(scope), sha256Hex(canonicalRequest)].join('\n');
}

/** Throws for a signed header that is not there. A link's own signature is not part of what it signs. */
export function canonicalRequest(
  request: S3Request,
  { signedHeaders, bodyHash }: { readonly signedHeaders: readonly string[]; readonly bodyHash: string },
): string {
  const lines = signedHeaders.map((name) => `${name}:${canonicalValues(request, name)}\n`);
  return [
    request.verb,
    canonicalPath(request.path),
    canonicalQuery(request),
    lines.join(''),
    signedHeaders.join(';'),
    bodyHash,
  ].join('\n');
}

/** Clients escape paths in several ways, and sign one of them: that of RFC 3986, with slashes as they are. */
function canonicalPath(path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw s3Error('InvalidArgument', 'The path of the request is not percent-encoded UTF-8.');
  }
  return decoded.split('/').map(escapeUri).join('/');
}

function canonicalQuery({ query }: S3Request): string {
  return query
    .filter(({ name }) => name !== 'X-Amz-Signature')
    .map(({ name, value }) => [escapeUri(name), escapeUri(value)] as const)
    .sort(([oneName, oneValue], [name, value]) => compare(oneName, name) || compare(oneValue, value))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function canonicalValues({ headers }: S3Request, name: string): string {
  const values = headers.get(name);
  if (values === undefined) throw s3Error('AccessDenied', `The signed header ${name} is not in the request.`);
  return values.map((value) => value.trim().replaceAll(/ +/g, ' ')).join(',');
}

/** Of what is escaped already: ASCII alone. */
function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** All but the unreserved characters of RFC 3986. */
export function escapeUri(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Header values are as their bytes came, which Node reads as Latin-1. */
function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
