import type { LiveTokens } from '../access/live-tokens.ts';
import type { Subject } from '../access/subject.ts';
import { upsertTokenCutoff } from '../access/token-rows.ts';
import type { Users } from '../access/users.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { type Administrator, assertMayUse } from './administrator.ts';
import { lockAccount } from './service-account-rows.ts';

export interface RevokeAllTokensDeps {
  readonly db: Database;
  readonly users: Pick<Users, 'byId'>;
  readonly liveTokens: Pick<LiveTokens, 'forget'>;
  readonly administrator: Administrator;
  readonly now?: () => Date;
}

/**
 * Ends every token of the subject that was made until now, and every JWT that it signed until now, as one that is revoked ends:
 * here at once, in other processes within a second. Keys and roles stay. Returns until when what has ended was made.
 *
 * Throws NOT_FOUND, and PERMISSION_DENIED for the administrator's where somebody else asks.
 */
export async function revokeAllTokens(
  { db, users, liveTokens, administrator, now = () => new Date() }: RevokeAllTokensDeps,
  { id, kind }: Subject,
  { subjectId }: { readonly subjectId: string },
): Promise<{ madeUntil: Date }> {
  if (kind === 'userAccount' && users.byId(id) === undefined) throw notFound('User account', id);
  if (kind === 'serviceAccount') assertMayUse(administrator, { serviceAccountId: id, subjectId });
  const madeUntil = now();
  await db.transact(async (tx) => {
    if (kind === 'serviceAccount' && (await lockAccount(tx, id)) === undefined) throw notFound('Service account', id);
    await upsertTokenCutoff(tx, { subjectId: id, madeUntil });
  });
  liveTokens.forget();
  return { madeUntil };
}
