import { insertOutcome } from '../audit/audit-rows.ts';
import type { Database, Transaction } from '../db/database.ts';
import { cancelled, notFound, toStoredError } from '../errors.ts';
import type { OperationKinds } from './kind.ts';
import type { Operation } from './operation.ts';
import { lockRow, type OperationRow, toInput, toOperation, updateRow } from './operation-rows.ts';

/**
 * Ends the operation with CANCELLED and undoes its rows; one that is done is returned as it is. When this returns,
 * the operation is done and nothing of its work will be seen, also while the work itself still has to notice.
 * Throws NOT_FOUND.
 */
export async function cancelOperation(
  {
    db,
    kinds,
    runner,
  }: {
    readonly db: Database;
    readonly kinds: OperationKinds;
    readonly runner: { abort(operationId: string): void };
  },
  { operationId }: { readonly operationId: string },
): Promise<Operation> {
  const operation = await db.transact((tx) => cancelInTransaction(tx, kinds, operationId));
  runner.abort(operationId);
  return operation;
}

/**
 * The same as a part of a larger change. After its commit, call the runner's `abort`, which stops the work and cleans
 * up after it.
 */
export async function cancelInTransaction(
  tx: Transaction,
  kinds: OperationKinds,
  operationId: string,
): Promise<Operation> {
  const row = await lockRow(tx, operationId);
  if (row === undefined) throw notFound('Operation', operationId);
  if (row.state === 'done') return toOperation(row);
  const kind = kinds.get(row.kind);
  if (kind === undefined) throw new Error(`no kind of operation is named ${row.kind}`);
  await kind.abandon(tx, toInput(row));
  const change = {
    state: 'done',
    error: JSON.stringify(toStoredError(cancelled('The operation was cancelled'))),
    modified_at: Date.now(),
    lease_owner: '',
    lease_epoch: row.lease_epoch + 1,
  } satisfies Partial<OperationRow>;
  await updateRow(tx, operationId, change);
  await insertOutcome(tx, { operationId, code: 'CANCELLED', at: new Date(change.modified_at) });
  return toOperation({ ...row, ...change });
}
