import type { Database } from '../db/database.ts';
import { findAuthorizedKey } from './authorized-key-rows.ts';
import { checkJwt } from './check-jwt.ts';
import { signToken } from './token.ts';
import type { TokenKey } from './token-key.ts';

/** The longest that tokens of the public service live; its SDKs ask for a new one long before. */
const tokenLifeMs = 12 * 60 * 60 * 1000;

export interface IssueTokenDeps {
  readonly db: Database;
  readonly tokenKey: TokenKey;
  readonly now?: () => Date;
}

/** A token for the service account that signed the JWT. Throws UNAUTHENTICATED. */
export async function issueToken(
  { db, tokenKey, now = () => new Date() }: IssueTokenDeps,
  { jwt }: { readonly jwt: string },
): Promise<{ iamToken: string; expiresAt: Date }> {
  const id = await checkJwt({ findKey: (id) => findAuthorizedKey(db.read, id), now }, jwt);
  const issuedAt = now();
  const expiresAt = new Date(issuedAt.getTime() + tokenLifeMs);
  return {
    iamToken: signToken(tokenKey, { kind: 'iam', subject: { id, kind: 'serviceAccount' }, issuedAt, expiresAt }),
    expiresAt,
  };
}
