import type { Transaction } from '../db/database.ts';
import { failedPrecondition } from '../errors.ts';
import { cancelInTransaction } from './cancel-operation.ts';
import type { OperationKinds } from './kind.ts';
import { findUnderWay } from './operation-rows.ts';

/**
 * Cancels what is under way on a resource that is to go, as a part of that change; after its commit, give each id
 * returned to the runner's `abort`. Throws FAILED_PRECONDITION for an operation of a kind that is not `cancellable`.
 */
export async function cancelUnderWay(
  tx: Transaction,
  kinds: OperationKinds,
  resourceId: string,
  cancellable: readonly string[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const { id, kind } of await findUnderWay(tx, resourceId)) {
    // Clients look for these words, wait for the operation named, and try again.
    if (!cancellable.includes(kind)) {
      throw failedPrecondition('CONFLICTING_OPERATION', `Conflicting operation ${id} detected`);
    }
    await cancelInTransaction(tx, kinds, id);
    ids.push(id);
  }
  return ids;
}
