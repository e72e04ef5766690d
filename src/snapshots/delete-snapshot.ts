import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { cancelUnderWay } from '../operations/cancel-under-way.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { OperationKinds } from '../operations/kind.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { operationOn } from '../resources/operation-on.ts';
import { discardSnapshot } from './discard-snapshot.ts';
import { createSnapshotKind, deleteSnapshotKind } from './operation-names.ts';
import { lockSnapshot } from './snapshot-rows.ts';

export interface DeleteSnapshotDeps {
  readonly db: Database;
  readonly kinds: OperationKinds;
  readonly runner: { abort(operationId: string): void };
}

/**
 * Deletes a snapshot, whatever its status, at once: its name is free when this returns. Deleting one that is CREATING
 * cancels the operation that makes it. What was made from the snapshot is not touched. Throws NOT_FOUND.
 */
export async function deleteSnapshot(
  deps: DeleteSnapshotDeps,
  { snapshotId }: { readonly snapshotId: string },
  caller: Caller,
): Promise<Operation> {
  let cancelledIds: readonly string[] = [];
  const operation = await startOnce(deps, caller, async (tx) => {
    const snapshot = await lockSnapshot(tx, snapshotId);
    if (snapshot === undefined) throw notFound('Snapshot', snapshotId);
    cancelledIds = await cancelUnderWay(tx, deps.kinds, snapshotId, [createSnapshotKind]);
    await discardSnapshot(tx, snapshotId);
    return insertFinishedOperation(tx, {
      kind: deleteSnapshotKind,
      ...operationOn(snapshot),
      description: 'Delete snapshot',
      createdBy: caller.subjectId,
      result: {},
    });
  });
  for (const id of cancelledIds) deps.runner.abort(id);
  return operation;
}
