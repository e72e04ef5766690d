import type { Database } from '../db/database.ts';
import { unauthenticated } from '../errors.ts';
import { findAuthorizedKey } from './authorized-key-rows.ts';
import { checkGrant } from './check-grant.ts';
import { checkJwt } from './check-jwt.ts';
import type { Subject } from './subject.ts';
import { signToken } from './token.ts';
import type { TokenKey } from './token-key.ts';
import type { Users } from './users.ts';

/** The longest that tokens of the public service live; its SDKs ask for a new one long before. */
const tokenLifeMs = 12 * 60 * 60 * 1000;

export interface IssueTokenDeps {
  readonly db: Database;
  readonly tokenKey: TokenKey;
  readonly users: Users;
  /** Whether this service is called so: a name or an address without brackets. */
  readonly isOurHost: (host: string) => boolean;
  readonly now?: () => Date;
}

/**
 * What shows who somebody is: a JWT signed with an authorized key, in either public service's form, or an OAuth token that a
 * user is known by.
 */
export type Proof = { readonly jwt: string } | { readonly assertion: string } | { readonly oauthToken: string };

export interface IssuedToken {
  readonly iamToken: string;
  readonly expiresAt: Date;
  /** How long it is good for, whatever the clock shows of who is told. */
  readonly lifeMs: number;
}

/** A token for whom the proof is of. Throws UNAUTHENTICATED. */
export async function issueToken(deps: IssueTokenDeps, proof: Proof): Promise<IssuedToken> {
  const { db, users, isOurHost, now = () => new Date() } = deps;
  if ('oauthToken' in proof) {
    const user = users.byOauthToken(proof.oauthToken);
    if (user === undefined) throw unauthenticated('OAuth token is invalid or expired');
    return issueTokenTo(deps, { id: user.id, kind: 'userAccount' });
  }
  const checks = { findKey: (id: string) => findAuthorizedKey(db.read, id), isOurHost, now };
  const key = await ('jwt' in proof ? checkJwt(checks, proof.jwt) : checkGrant(checks, proof.assertion));
  return issueTokenTo(deps, { id: key.serviceAccountId, kind: 'serviceAccount' }, key.id);
}

/** A token for a subject that is there, whoever asks for it; given for a key, it ends with that. */
export function issueTokenTo(
  { tokenKey, now = () => new Date() }: Pick<IssueTokenDeps, 'tokenKey' | 'now'>,
  subject: Subject,
  keyId?: string,
): IssuedToken {
  const issuedAt = now();
  const expiresAt = new Date(issuedAt.getTime() + tokenLifeMs);
  return {
    iamToken: signToken(tokenKey, { kind: 'iam', subject, issuedAt, expiresAt, keyId }),
    expiresAt,
    lifeMs: tokenLifeMs,
  };
}
