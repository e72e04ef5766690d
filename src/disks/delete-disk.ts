import { deleteAccessBindingsOf } from '../access/access-binding-rows.ts';
import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { operationOn } from '../resources/operation-on.ts';
import { removeVolumeReference } from '../volumes/volume-rows.ts';
import { checkUnused, type DiskContents, type DiskUsers } from './disk-contents.ts';
import { deleteDiskRow, lockDisk } from './disk-rows.ts';
import { deleteDiskKind } from './operation-names.ts';

export interface DeleteDiskDeps {
  readonly db: Database;
  readonly users: DiskUsers;
  readonly contents: DiskContents;
}

/**
 * Deletes a disk and what was written to it, at once: its name is free when this returns. Snapshots and images of it are
 * not touched, also those that are still being stored. Throws NOT_FOUND, and FAILED_PRECONDITION while it is in use.
 */
export async function deleteDisk(
  deps: DeleteDiskDeps,
  { diskId }: { readonly diskId: string },
  caller: Caller,
): Promise<Operation> {
  const operation = await startOnce(deps, caller, async (tx) => {
    const disk = await lockDisk(tx, diskId);
    if (disk === undefined) throw notFound('Disk', diskId);
    await checkUnused(tx, deps.users, diskId);
    await removeVolumeReference(tx, diskId);
    await deleteAccessBindingsOf(tx, diskId);
    await deleteDiskRow(tx, diskId);
    return insertFinishedOperation(tx, {
      kind: deleteDiskKind,
      ...operationOn(disk),
      description: 'Delete disk',
      createdBy: caller.subjectId,
      result: {},
    });
  });
  await deps.contents.discard(diskId);
  return operation;
}
