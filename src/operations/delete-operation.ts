import type { Database } from '../db/database.ts';
import { failedPrecondition, notFound } from '../errors.ts';
import { deleteRow, lockRow } from './operation-rows.ts';

/**
 * Deletes the record of an operation that is done; what it did stays. The request that started it is a new one when it
 * comes again with its idempotency key. Throws NOT_FOUND, and FAILED_PRECONDITION while it is under way: cancelling it is
 * another thing.
 */
export async function deleteOperation(
  { db }: { readonly db: Database },
  { operationId }: { readonly operationId: string },
): Promise<void> {
  await db.transact(async (tx) => {
    const row = await lockRow(tx, operationId);
    if (row === undefined) throw notFound('Operation', operationId);
    if (row.state !== 'done') {
      const message = `Operation "${operationId}" cannot be deleted: it is under way. Wait for it, or cancel it.`;
      throw failedPrecondition('OPERATION_UNDER_WAY', message);
    }
    await deleteRow(tx, operationId);
  });
}
