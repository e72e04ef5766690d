import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { unauthenticated } from '../errors.ts';
import { parseHostPort } from '../lib/host-port.ts';
import type { AuthorizedKey } from './authorized-key-rows.ts';

export interface JwtDeps {
  readonly findKey: (keyId: string) => Promise<AuthorizedKey | undefined>;
  /** Whether this service is called so: a name or an address without brackets. */
  readonly isOurHost: (host: string) => boolean;
  readonly now: () => Date;
}

/** Those of the SDKs have about 700 characters. */
const maxLength = 8 * 1024;
/** The public service takes JWTs of at most an hour; clocks may differ by a minute. */
const maxLifeSeconds = 3600;
const clockToleranceSeconds = 60;
/** The public service's own hosts, which SDKs name whatever address they were given; or ours, with or without `iam.`. */
const publicHosts = ['api.cloud.yandex.net', 'api.yandexcloud.kz'];
const audiencePath = '/iam/v1/tokens';
/** Not read as a URL: the Python SDK puts `iam.` before whatever it was given, and `iam.192.0.2.1` is in no URL. */
const audienceForm = /^https?:\/\/(?:iam\.)?([^/?#@]{1,300})\/iam\/v1\/tokens$/i;

/**
 * The authorized key with which a service account signed this JWT: PS256, `kid` the key, `iss` the account, for us,
 * and short-lived. Throws UNAUTHENTICATED. That a key is unknown is not told apart from a wrong signature.
 */
export async function checkJwt({ findKey, isOurHost, now }: JwtDeps, jwt: string): Promise<AuthorizedKey> {
  const key = await findSigner(findKey, jwt);
  const payload = await verifySignature(jwt, key, now());
  const { iss, aud, iat, exp } = payload;
  if (iss !== key.serviceAccountId) throw refused('its issuer is not the service account that the key belongs to');
  if (iat === undefined || exp === undefined) throw refused('it does not say iat and exp');
  const nowSeconds = now().getTime() / 1000;
  if (iat > nowSeconds + clockToleranceSeconds) throw refused('it was issued in the future; check the clocks');
  if (exp - Math.min(iat, nowSeconds) > maxLifeSeconds + clockToleranceSeconds) {
    throw refused('it is valid for more than an hour');
  }
  if (![aud ?? []].flat().some((audience) => isOurAudience(audience, isOurHost))) {
    throw refused(
      `its audience is not https://iam.${publicHosts[0]}${audiencePath}, or that path at a host of this service`,
    );
  }
  return key;
}

async function findSigner(findKey: JwtDeps['findKey'], jwt: string): Promise<AuthorizedKey> {
  if (jwt.length > maxLength) throw refused(`it is longer than ${maxLength} characters`);
  let keyId: string | undefined;
  try {
    keyId = decodeProtectedHeader(jwt).kid;
  } catch (cause) {
    throw refused('it is not a JWT', cause);
  }
  if (typeof keyId !== 'string') throw refused('its header has no kid, the id of the authorized key');
  return (await findKey(keyId)) ?? refuse(wrongSignature);
}

async function verifySignature(jwt: string, key: AuthorizedKey, now: Date) {
  try {
    const { payload } = await jwtVerify(jwt, createPublicKey(key.publicKeyPem), {
      algorithms: ['PS256'],
      clockTolerance: clockToleranceSeconds,
      currentDate: now,
    });
    return payload;
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw refused('it has expired; check the clocks', cause);
    if (cause instanceof errors.JOSEAlgNotAllowed) throw refused('its algorithm is not PS256', cause);
    if (cause instanceof errors.JWTClaimValidationFailed) throw refused(`its claim ${cause.claim} is wrong`, cause);
    throw refused(wrongSignature, cause);
  }
}

const wrongSignature = 'its key is unknown or its signature is wrong';

/** Ports are not looked at: proxies and forwarded ports change them. */
function isOurAudience(audience: unknown, isOurHost: JwtDeps['isOurHost']): boolean {
  const address = typeof audience === 'string' ? audienceForm.exec(audience)?.[1]?.toLowerCase() : undefined;
  if (address === undefined) return false;
  const host = (parseHostPort(address) ?? parseHostPort(`${address}:443`))?.host;
  return host !== undefined && (publicHosts.includes(host) || isOurHost(host) || isOurHost(`iam.${host}`));
}

function refused(why: string, cause?: unknown): Error {
  const error = unauthenticated(`The JWT is invalid: ${why}`);
  error.cause = cause;
  return error;
}

function refuse(why: string): never {
  throw refused(why);
}
