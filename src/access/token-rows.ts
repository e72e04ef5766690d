import { sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { VerifiedClaims } from './token-claims.ts';

/** Whether the rows still let a service account's token hold: it was not revoked, and its account and its key are there. */
export async function isBackedByRows(db: Queryable, claims: VerifiedClaims): Promise<boolean> {
  const { tokenId, subject } = claims;
  const keyId = claims.kind === 'iam' ? claims.keyId : undefined;
  const revoked = db.selectFrom('revoked_tokens').select(fact('revoked')).where('id', '=', tokenId);
  const account = db.selectFrom('service_accounts').select(fact('account')).where('id', '=', subject.id);
  const key = db
    .selectFrom('service_account_keys')
    .select(fact('key'))
    .where('id', '=', keyId ?? '')
    .where('service_account_id', '=', subject.id);
  const rows = await revoked.unionAll(account).unionAll(key).execute();
  const facts = new Set(rows.map((row) => row.fact));
  return !facts.has('revoked') && facts.has('account') && (keyId === undefined || facts.has('key'));
}

/** The words are ours, so they may stand in the statement. */
function fact(word: string) {
  return sql<string>`${sql.lit(word)}`.as('fact');
}

export async function isRevoked(db: Queryable, tokenId: string): Promise<boolean> {
  return (
    (await db.selectFrom('revoked_tokens').select('id').where('id', '=', tokenId).executeTakeFirst()) !== undefined
  );
}

/** May be repeated. */
export async function insertRevoked(
  tx: Transaction,
  { tokenId, expiresAt }: { readonly tokenId: string; readonly expiresAt: Date | undefined },
): Promise<void> {
  await tx
    .insertInto('revoked_tokens')
    .values({ id: tokenId, expires_at: expiresAt?.getTime() ?? null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** Forgets what was revoked and would have ended by now anyway. */
export async function deleteExpiredRevocations(tx: Transaction, before: Date): Promise<void> {
  await tx.deleteFrom('revoked_tokens').where('expires_at', '<', before.getTime()).execute();
}
