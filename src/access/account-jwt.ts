import { defaultUniverseDomain } from '../lib/universe-domain.ts';
import { jwtRefused, type SignedJwt, type SignedJwtDeps, verifyJwt } from './signed-jwt.ts';

export interface AccountJwtDeps extends SignedJwtDeps {
  /** Whether this service is called so: a name or an address without brackets. */
  readonly isOurHost: (host: string) => boolean;
}

/**
 * A JWT as SDKs make them from a key file in Google's form: RS256, `kid` the key, and `iss` the account's id or its address,
 * ID@FOLDER.iam.DOMAIN. Nobody acts for somebody else here: a `sub` that is not the issuer is refused. Whom it is for is
 * still to be looked at. Throws UNAUTHENTICATED.
 */
export async function verifyAccountJwt(deps: SignedJwtDeps, jwt: string): Promise<SignedJwt> {
  const signed = await verifyJwt(deps, jwt, 'RS256');
  const { key, issuer, subject } = signed;
  const [accountId] = typeof issuer === 'string' ? issuer.split('@', 1) : [];
  if (accountId !== key.serviceAccountId) {
    throw jwtRefused('its issuer is not the service account that the key belongs to');
  }
  if (subject !== undefined && subject !== issuer) {
    throw jwtRefused('its subject is not its issuer: a service account acts for nobody else here');
  }
  return signed;
}

/** Where an audience says that its JWT is to be used. */
export interface Audience {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly path: string;
}

/** The audience that is a URL; ports are not looked at: proxies and forwarded ports change them. */
export function readAudience(audience: unknown): Audience | undefined {
  const url = typeof audience === 'string' ? URL.parse(audience) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), path: url.pathname };
}

/** The names that SDKs put before the domain of a key file. */
const parts = ['compute', 'storage', 'oauth2', 'www'];

/** Whether the host is this service, or what SDKs make of the domain that a key file says is its. */
export function isServiceHost(host: string, isOurHost: AccountJwtDeps['isOurHost']): boolean {
  if (isOurHost(host)) return true;
  const [part = '', ...labels] = host.split('.');
  const domain = labels.join('.');
  return parts.includes(part) && (domain === defaultUniverseDomain || isOurHost(domain));
}
