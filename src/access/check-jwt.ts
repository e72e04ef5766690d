import { parseHostPort } from '../lib/host-port.ts';
import type { AuthorizedKey } from './authorized-key-rows.ts';
import { jwtRefused, type SignedJwtDeps, verifyJwt } from './signed-jwt.ts';

export interface JwtDeps extends SignedJwtDeps {
  /** Whether this service is called so: a name or an address without brackets. */
  readonly isOurHost: (host: string) => boolean;
}

/** The public service's own hosts, which SDKs name whatever address they were given; or ours, with or without `iam.`. */
const publicHosts = ['api.cloud.yandex.net', 'api.yandexcloud.kz'];
const audiencePath = '/iam/v1/tokens';
/** Not read as a URL: the Python SDK puts `iam.` before whatever it was given, and `iam.192.0.2.1` is in no URL. */
const audienceForm = /^https?:\/\/(?:iam\.)?([^/?#@]{1,300})\/iam\/v1\/tokens$/i;

/**
 * The authorized key with which a service account signed this JWT: PS256, `kid` the key, `iss` the account, for us,
 * and short-lived. Throws UNAUTHENTICATED.
 */
export async function checkJwt(deps: JwtDeps, jwt: string): Promise<AuthorizedKey> {
  const { key, issuer, audiences } = await verifyJwt(deps, jwt, 'PS256');
  if (issuer !== key.serviceAccountId) {
    throw jwtRefused('its issuer is not the service account that the key belongs to');
  }
  if (!audiences.some((audience) => isOurAudience(audience, deps.isOurHost))) {
    throw jwtRefused(
      `its audience is not https://iam.${publicHosts[0]}${audiencePath}, or that path at a host of this service`,
    );
  }
  return key;
}

/** Ports are not looked at: proxies and forwarded ports change them. */
function isOurAudience(audience: unknown, isOurHost: JwtDeps['isOurHost']): boolean {
  const address = typeof audience === 'string' ? audienceForm.exec(audience)?.[1]?.toLowerCase() : undefined;
  if (address === undefined) return false;
  const host = (parseHostPort(address) ?? parseHostPort(`${address}:443`))?.host;
  return host !== undefined && (publicHosts.includes(host) || isOurHost(host) || isOurHost(`iam.${host}`));
}
