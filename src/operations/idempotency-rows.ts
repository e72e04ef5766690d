import type { Queryable, Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';

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

/** Takes the place of a key whose operation is gone, as after deleteOperation: the request is a new one then. */
export async function insertStarted(
  tx: Transaction,
  key: IdempotencyKey,
  { operationId }: { operationId: string },
): Promise<void> {
  await tx
    .insertInto('idempotency_keys')
    .values({
      subject_id: key.subjectId,
      method: key.method,
      key: key.key,
      body_hash: key.requestHash,
      operation_id: operationId,
      created_at: databaseTime(tx),
    })
    .onConflict((conflict) =>
      conflict.columns(['subject_id', 'method', 'key', 'body_hash']).doUpdateSet((row) => ({
        operation_id: row.ref('excluded.operation_id'),
        created_at: row.ref('excluded.created_at'),
      })),
    )
    .execute();
}
