import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { unauthenticated } from '../errors.ts';
import type { AuthorizedKey } from './authorized-key-rows.ts';

export interface SignedJwtDeps {
  readonly findKey: (keyId: string) => Promise<AuthorizedKey | undefined>;
  readonly now: () => Date;
}

/** What a JWT says, once its signature and its times were found good; whom it is for is still to be looked at. */
export interface SignedJwt {
  readonly key: AuthorizedKey;
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
  /** Empty for none. Whatever stands in the list. */
  readonly audiences: readonly unknown[];
  readonly scopes: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/** Those of the SDKs have about 700 characters. */
const maxLength = 8 * 1024;
/** The public services take JWTs of at most an hour; clocks may differ by a minute. */
const maxLifeSeconds = 3600;
export const clockToleranceSeconds = 60;

/**
 * A JWT signed with an authorized key that its header names by `kid`, and short-lived. Throws UNAUTHENTICATED. That a key
 * is unknown is not told apart from a wrong signature.
 */
export async function verifyJwt(
  { findKey, now }: SignedJwtDeps,
  jwt: string,
  algorithm: 'PS256' | 'RS256',
): Promise<SignedJwt> {
  const key = await findSigner(findKey, jwt);
  const { iss, sub, aud, iat, exp, scope } = await verifySignature(jwt, key, algorithm, now());
  if (iat === undefined || exp === undefined) throw jwtRefused('it does not say iat and exp');
  const nowSeconds = now().getTime() / 1000;
  if (iat > nowSeconds + clockToleranceSeconds) throw jwtRefused('it was issued in the future; check the clocks');
  if (exp - Math.min(iat, nowSeconds) > maxLifeSeconds + clockToleranceSeconds) {
    throw jwtRefused('it is valid for more than an hour');
  }
  if (key.refusedUntil !== undefined && iat * 1000 <= key.refusedUntil.getTime()) {
    throw jwtRefused('it was signed before all tokens of its account were revoked; sign another');
  }
  return {
    key,
    issuer: iss,
    subject: sub,
    // Go writes an empty one where there is none.
    audiences: [aud ?? []].flat().filter((audience) => audience !== ''),
    scopes: typeof scope === 'string' ? scope.split(' ').filter((each) => each !== '') : [],
    issuedAt: new Date(iat * 1000),
    expiresAt: new Date(exp * 1000),
  };
}

export function jwtRefused(why: string, cause?: unknown): Error {
  const error = unauthenticated(`The JWT is invalid: ${why}`);
  error.cause = cause;
  return error;
}

async function findSigner(findKey: SignedJwtDeps['findKey'], jwt: string): Promise<AuthorizedKey> {
  if (jwt.length > maxLength) throw jwtRefused(`it is longer than ${maxLength} characters`);
  let keyId: string | undefined;
  try {
    keyId = decodeProtectedHeader(jwt).kid;
  } catch (cause) {
    throw jwtRefused('it is not a JWT', cause);
  }
  if (typeof keyId !== 'string') throw jwtRefused('its header has no kid, the id of the authorized key');
  return (await findKey(keyId)) ?? refuse(wrongSignature);
}

async function verifySignature(jwt: string, key: AuthorizedKey, algorithm: string, now: Date) {
  try {
    const { payload } = await jwtVerify(jwt, createPublicKey(key.publicKeyPem), {
      algorithms: [algorithm],
      clockTolerance: clockToleranceSeconds,
      currentDate: now,
    });
    return payload;
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw jwtRefused('it has expired; check the clocks', cause);
    if (cause instanceof errors.JOSEAlgNotAllowed) throw jwtRefused(`its algorithm is not ${algorithm}`, cause);
    if (cause instanceof errors.JWTClaimValidationFailed) throw jwtRefused(`its claim ${cause.claim} is wrong`, cause);
    throw jwtRefused(wrongSignature, cause);
  }
}

const wrongSignature = 'its key is unknown or its signature is wrong';

function refuse(why: string): never {
  throw jwtRefused(why);
}
