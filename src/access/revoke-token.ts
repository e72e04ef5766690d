import type { Database } from '../db/database.ts';
import { invalidField } from '../errors.ts';
import type { LiveTokens } from './live-tokens.ts';
import { checkToken } from './token.ts';
import type { TokenKey } from './token-key.ts';
import { insertRevoked } from './token-rows.ts';

export interface RevokeTokenDeps {
  readonly db: Database;
  readonly tokenKey: TokenKey;
  readonly liveTokens: Pick<LiveTokens, 'forget'>;
  readonly now?: () => Date;
}

/**
 * Ends a token, whoever asks: to have it is right enough. Returns whose it was. One that has ended already stays so.
 * Throws INVALID_ARGUMENT for what is no token of ours.
 */
export async function revokeToken(
  { db, tokenKey, liveTokens, now = () => new Date() }: RevokeTokenDeps,
  { iamToken }: { readonly iamToken: string },
): Promise<{ subjectId: string }> {
  const check = checkToken(tokenKey, iamToken, now());
  if (check.state === 'invalid') throw invalidField('iam_token', 'is not a token of this service');
  const { claims } = check;
  if (check.state === 'valid') {
    const expiresAt = claims.kind === 'iam' ? claims.expiresAt : undefined;
    await db.transact((tx) => insertRevoked(tx, { tokenId: claims.tokenId, expiresAt }));
    liveTokens.forget();
  }
  return { subjectId: claims.subject.id };
}
