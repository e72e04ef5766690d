import { sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { VerifiedClaims } from './token-claims.ts';

/**
 * Whether the rows still let a service account's token hold: it was not ended, and its account and its key are there.
 */
export async function isBackedByRows(db: Queryable, claims: VerifiedClaims): Promise<boolean> {
  const { subject } = claims;
  const keyId = claims.kind === 'iam' ? claims.keyId : undefined;
  const account = db.selectFrom('service_accounts').select(fact('account')).where('id', '=', subject.id);
  const key = db
    .selectFrom('service_account_keys')
    .select(fact('key'))
    .where('id', '=', keyId ?? '')
    .where('service_account_id', '=', subject.id);
  const rows = await endings(db, claims).unionAll(account).unionAll(key).execute();
  const facts = new Set(rows.map((row) => row.fact));
  return !facts.has('ended') && facts.has('account') && (keyId === undefined || facts.has('key'));
}

/** Whether the token was revoked, by itself or with all of its subject's that were made until then. */
export async function isEnded(db: Queryable, claims: VerifiedClaims): Promise<boolean> {
  return (await endings(db, claims).limit(1).execute()).length > 0;
}

function endings(db: Queryable, { tokenId, subject, issuedAt }: VerifiedClaims) {
  const revoked = db.selectFrom('revoked_tokens').select(fact('ended')).where('id', '=', tokenId);
  const cutOff = db
    .selectFrom('token_cutoffs')
    .select(fact('ended'))
    .where('subject_id', '=', subject.id)
    .where('made_until', '>=', issuedAt.getTime());
  return revoked.unionAll(cutOff);
}

/** The words are ours, so they may stand in the statement. */
function fact(word: string) {
  return sql<string>`${sql.lit(word)}`.as('fact');
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

/** Ends all tokens of the subject that were made until then. Never takes an end back. */
export async function upsertTokenCutoff(
  tx: Transaction,
  { subjectId, madeUntil }: { readonly subjectId: string; readonly madeUntil: Date },
): Promise<void> {
  const made_until = madeUntil.getTime();
  await tx
    .insertInto('token_cutoffs')
    .values({ subject_id: subjectId, made_until })
    .onConflict((conflict) =>
      conflict.column('subject_id').doUpdateSet({ made_until }).where('token_cutoffs.made_until', '<', made_until),
    )
    .execute();
}

/** For a subject that is no more. */
export async function deleteTokenCutoff(tx: Transaction, subjectId: string): Promise<void> {
  await tx.deleteFrom('token_cutoffs').where('subject_id', '=', subjectId).execute();
}

/** Forgets what was revoked and would have ended by now anyway. */
export async function deleteExpiredRevocations(tx: Transaction, before: Date): Promise<void> {
  await tx.deleteFrom('revoked_tokens').where('expires_at', '<', before.getTime()).execute();
}
