import type { Queryable, Transaction } from '../db/database.ts';

/** What makes two requests the same one. */
export interface IdempotencyKey {
  readonly subjectId: string;
  readonly method: string;
  readonly key: string;
  readonly requestHash: string;
}

/** The operation that this request started when it came first. */
export async function findStarted(db: Queryable, key: IdempotencyKey): Promise<string | undefined> {
  const row = await db
    .selectFrom('idempotency_keys')
    .select('operation_id')
    .where('subject_id', '=', key.subjectId)
    .where('method', '=', key.method)
    .where('key', '=', key.key)
    .where('body_hash', '=', key.requestHash)
    .executeTakeFirst();
  return row?.operation_id;
}

export async function insertStarted(
  tx: Transaction,
  key: IdempotencyKey,
  { operationId, createdAt }: { operationId: string; createdAt: Date },
): Promise<void> {
  await tx
    .insertInto('idempotency_keys')
    .values({
      subject_id: key.subjectId,
      method: key.method,
      key: key.key,
      body_hash: key.requestHash,
      operation_id: operationId,
      created_at: createdAt.getTime(),
    })
    .execute();
}
