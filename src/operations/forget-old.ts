import type { Database } from '../db/database.ts';
import { deleteOldTurns } from './next-due.ts';

/** How long what is over is kept, in milliseconds. */
export interface Retention {
  /** A key that is sent again later starts anew; clients retry for minutes. */
  readonly idempotencyKeysMs: number;
  /** Operations that are done, for those who ask how it went. */
  readonly operationsMs: number;
}

const dayMs = 24 * 60 * 60 * 1000;

export const defaultRetention: Retention = { idempotencyKeysMs: dayMs, operationsMs: 30 * dayMs };

/** Operations deleted in one transaction, so that no request waits long behind it. */
const operationsAtOnce = 1_000;

/** Deletes keys and done operations that are older than that; returns how many operations. */
export async function forgetOld(
  { db, now }: { readonly db: Database; now(): number },
  retention: Retention,
  signal?: AbortSignal,
): Promise<number> {
  const keysBefore = now() - retention.idempotencyKeysMs;
  const operationsBefore = now() - retention.operationsMs;
  await db.transact((tx) => tx.deleteFrom('idempotency_keys').where('created_at', '<', keysBefore).execute());
  await db.transact((tx) => deleteOldTurns(tx, now() - dayMs));
  for (let forgotten = 0; ; ) {
    signal?.throwIfAborted();
    const deleted = await db.transact((tx) =>
      tx
        .deleteFrom('operations')
        .where('id', 'in', (old) =>
          old
            .selectFrom('operations')
            .select('id')
            .where('state', '=', 'done')
            .where('modified_at', '<', operationsBefore)
            .limit(operationsAtOnce),
        )
        .executeTakeFirst(),
    );
    forgotten += Number(deleted.numDeletedRows);
    if (Number(deleted.numDeletedRows) < operationsAtOnce) return forgotten;
  }
}
