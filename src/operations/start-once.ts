import type { Database, Queryable, Transaction } from '../db/database.ts';
import { findStarted, type IdempotencyKey, insertStarted } from './idempotency-rows.ts';
import type { Operation } from './operation.ts';
import { findRow, toOperation, updateRow } from './operation-rows.ts';

/** Who asks, and how to know the same request again. access/caller.ts has the doors' form of it. */
interface Starter {
  readonly subjectId: string;
  readonly method: string;
  readonly idempotencyKey: string | undefined;
  readonly requestHash: string;
  readonly recorded?: (tx: Transaction, work: () => Promise<Operation>) => Promise<Operation>;
}

/**
 * Runs `work` in one transaction, by way of `recorded` where the caller has it, and returns the operation that it inserted: pending, or done with a result.
 *
 * With an idempotency key the same request (subject, method, key, body) does the work once; each repetition returns
 * that operation as it is now. One that failed is shown as not done yet, as it was when it was started: SDKs take an
 * operation that is done with an error in the first reply for a broken one and lose the reason; they poll next and
 * get it. The same key with another body is another request.
 */
export async function startOnce(
  { db }: { readonly db: Database },
  caller: Starter,
  work: (tx: Transaction) => Promise<Operation>,
): Promise<Operation> {
  const { recorded } = caller;
  const change = (tx: Transaction) => (recorded === undefined ? work(tx) : recorded(tx, () => work(tx)));
  if (caller.idempotencyKey === undefined) return db.transact(change);
  const key: IdempotencyKey = { ...caller, key: caller.idempotencyKey };
  try {
    return await db.transact(async (tx) => {
      const earlier = await findEarlier(tx, key);
      if (earlier !== undefined) return earlier;
      const operation = await change(tx);
      await insertStarted(tx, key, { operationId: operation.id });
      await updateRow(tx, operation.id, { idempotency_key: key.key });
      return { ...operation, idempotencyKey: key.key };
    });
  } catch (error) {
    // With many writers its twin may have been committed meanwhile, and is what this one failed of: a name that is
    // taken now, or the key itself.
    const twin = await findEarlier(db.read, key);
    if (twin === undefined) throw error;
    return twin;
  }
}

/**
 * The operation that the same request started when it came first, as startOnce would return it; undefined when there is none,
 * or no key to know it by.
 */
export async function findStartedOnce(
  { db }: { readonly db: Database },
  caller: Starter,
): Promise<Operation | undefined> {
  const { idempotencyKey } = caller;
  return idempotencyKey === undefined ? undefined : findEarlier(db.read, { ...caller, key: idempotencyKey });
}

async function findEarlier(db: Queryable, key: IdempotencyKey): Promise<Operation | undefined> {
  const id = await findStarted(db, key);
  const row = id === undefined ? undefined : await findRow(db, id);
  if (row === undefined) return undefined;
  const operation = toOperation(row);
  return operation.error === undefined ? operation : { ...operation, done: false, error: undefined };
}
