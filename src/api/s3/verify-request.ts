import { timingSafeEqual } from 'node:crypto';
import type { Subject } from '../../access/subject.ts';
import { type Credentials, readCredentials } from './read-credentials.ts';
import { s3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import { canonicalRequest, signatureOf, signingKey, stringToSign } from './signature-v4.ts';

/** A key that requests are signed with. */
export interface SigningAccessKey {
  readonly subject: Subject;
  /** Where its account is. */
  readonly folderId: string;
  readonly secret: string;
}

export interface VerifyDeps {
  /** The key of that name as it is now; undefined when there is none, or none any more. */
  findAccessKey(keyId: string): Promise<SigningAccessKey | undefined>;
  readonly now?: () => Date;
}

/** Who signed a request. */
export interface Signer {
  readonly subject: Subject;
  readonly folderId: string;
  readonly credentials: Credentials;
  /** What the rest of the request, if it comes in signed chunks, is checked with. */
  readonly key: Uint8Array;
}

/** What clocks may differ by, as S3 has it. */
const skewMs = 15 * 60_000;

/** Who signed the request, and that it is as it was signed, but for its body. Throws what S3 says of any other. */
export async function verifyRequest(deps: VerifyDeps, request: S3Request): Promise<Signer> {
  const { now = () => new Date() } = deps;
  const credentials = readCredentials(request);
  assertInTime(credentials, now());
  assertAllSigned(request, credentials);
  const found = await deps.findAccessKey(credentials.keyId);
  if (found === undefined) {
    throw s3Error('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.');
  }
  const key = signingKey(found.secret, credentials.scope);
  const text = stringToSign(credentials.time, credentials.scope, canonicalRequest(request, credentials));
  if (!isSame(signatureOf(key, text), credentials.signature)) {
    throw s3Error(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
  }
  return { subject: found.subject, folderId: found.folderId, credentials, key };
}

/** In a time that does not depend on how much of them is the same. */
export function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function assertInTime({ signedAt, expiresSeconds }: Credentials, now: Date): void {
  const ageMs = now.getTime() - signedAt.getTime();
  const skewed = () =>
    s3Error(
      'RequestTimeTooSkewed',
      `The difference between the request time and the current time is too large: it is ${now.toISOString()} here.`,
    );
  if (ageMs < -skewMs) throw skewed();
  if (expiresSeconds === undefined && ageMs > skewMs) throw skewed();
  if (expiresSeconds !== undefined && ageMs > expiresSeconds * 1000) {
    throw s3Error('AccessDenied', 'Request has expired');
  }
}

/** Of what is not signed, nobody knows who wrote it; but a link's body cannot be known when it is made. */
function assertAllSigned({ headers }: S3Request, { signedHeaders, expiresSeconds }: Credentials): void {
  const unsigned = [...headers.keys()].filter(
    (name) =>
      name.startsWith('x-amz-') &&
      !signedHeaders.includes(name) &&
      !(expiresSeconds !== undefined && name === 'x-amz-content-sha256'),
  );
  if (unsigned.length === 0) return;
  const names = unsigned.join(', ').slice(0, 256);
  throw s3Error('AccessDenied', `There were headers present in the request which were not signed: ${names}`);
}
