import { type AccountJwtDeps, isServiceHost, readAudience, verifyAccountJwt } from './account-jwt.ts';
import type { AuthorizedKey } from './authorized-key-rows.ts';
import { jwtRefused } from './signed-jwt.ts';

/** Where key files in Google's form tell clients to exchange JWTs for tokens. */
export const grantPath = '/token';
/** The public service's, which some SDKs write whatever their key file says. */
const publicAudience = 'https://oauth2.googleapis.com/token';

/**
 * The authorized key with which a service account signed this assertion of RFC 7523, made to be exchanged for a token here.
 * Throws UNAUTHENTICATED.
 */
export async function checkGrant(deps: AccountJwtDeps, assertion: string): Promise<AuthorizedKey> {
  const { key, audiences } = await verifyAccountJwt(deps, assertion);
  if (audiences.some((audience) => isGrantAudience(audience, deps.isOurHost))) return key;
  throw jwtRefused(`its audience is not ${publicAudience}, or ${grantPath} at a host of this service`);
}

function isGrantAudience(audience: unknown, isOurHost: AccountJwtDeps['isOurHost']): boolean {
  if (audience === publicAudience) return true;
  const read = readAudience(audience);
  return read !== undefined && read.path === grantPath && isServiceHost(read.host, isOurHost);
}
