import { createHash } from 'node:crypto';
import { unauthenticated } from '../errors.ts';
import { LruMap } from '../lib/lru-map.ts';
import { type AccountJwtDeps, isServiceHost, readAudience, verifyAccountJwt } from './account-jwt.ts';
import { clockToleranceSeconds, jwtRefused, type SignedJwt } from './signed-jwt.ts';
import type { VerifiedClaims } from './token-claims.ts';

/** Checking a signature and asking for its key costs more than the rest of a call. */
const verifiedKept = 1_000;

/** What SDKs write when they were told another host than the public one; no key of ours is good there. */
const publicHosts = ['compute.googleapis.com', 'www.googleapis.com', 'storage.googleapis.com'];

/**
 * One of them is in what clients ask for to use images, disks and files. Nothing else is made of them: roles say what a
 * subject may. So one that is to be for reading only is refused and not widened.
 */
const scopes = ['cloud-platform', 'compute', 'devstorage.full_control', 'devstorage.read_write'].map(
  (name) => `https://www.googleapis.com/auth/${name}`,
);

/**
 * JWTs that service accounts use as they are, without exchanging them for a token: what Google's SDKs send where the key
 * file has a domain of its own. They are good for an hour at most, and end with their key.
 */
export class SelfSignedTokens {
  readonly #deps: AccountJwtDeps;
  readonly #verified = new LruMap<string, VerifiedClaims>(verifiedKept);

  constructor(deps: AccountJwtDeps) {
    this.#deps = deps;
  }

  /** Whether a bearer token may be one: ours begin otherwise. */
  static isMeant(token: string): boolean {
    return /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(token);
  }

  /** Whose it is. Throws UNAUTHENTICATED that says what is wrong. Whether its key is still there is for LiveTokens to say. */
  async check(token: string): Promise<VerifiedClaims> {
    const known = this.#verified.get(token);
    if (known !== undefined) {
      if (known.kind === 'iam' && known.expiresAt <= this.#deps.now()) throw unauthenticated('The token has expired');
      return known;
    }
    const signed = await verifyAccountJwt(this.#deps, token);
    this.#assertIsForUs(signed);
    const claims = claimsOf(token, signed);
    this.#verified.set(token, claims);
    return claims;
  }

  #assertIsForUs({ audiences, scopes: asked }: SignedJwt): void {
    if (audiences.length === 0) {
      // The key is known here alone, so what it signs for no service by name is for this one.
      if (asked.some((scope) => scopes.includes(scope))) return;
      throw jwtRefused(`it has no audience, and none of these scopes: ${scopes.join(', ')}`);
    }
    if (audiences.some((audience) => this.#isOurs(audience))) return;
    throw jwtRefused('its audience is no URL at a host of this service');
  }

  #isOurs(audience: unknown): boolean {
    const host = readAudience(audience)?.host;
    return host !== undefined && (publicHosts.includes(host) || isServiceHost(host, this.#deps.isOurHost));
  }
}

function claimsOf(token: string, { key, issuedAt, expiresAt }: SignedJwt): VerifiedClaims {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return {
    kind: 'iam',
    subject: { id: key.serviceAccountId, kind: 'serviceAccount' },
    issuedAt,
    expiresAt: new Date(expiresAt.getTime() + clockToleranceSeconds * 1000),
    keyId: key.id,
    tokenId: createHash('sha256').update(signed).digest('hex'),
  };
}
