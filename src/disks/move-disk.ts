import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { failedPrecondition, notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { isInAnotherCloud } from '../resources/content-source.ts';
import { operationOn } from '../resources/operation-on.ts';
import { diskToJson } from './disk-json.ts';
import { claimDiskName, lockDisk, replaceDisk } from './disk-rows.ts';
import { moveDiskKind } from './operation-names.ts';

export interface MoveDisk {
  readonly diskId: string;
  readonly destinationFolderId: string;
}

/**
 * Puts a disk into another folder of its cloud, also while it is in use. Throws NOT_FOUND for the disk or the folder,
 * ALREADY_EXISTS when its name is taken there, and FAILED_PRECONDITION when the folder is in another cloud: stored bytes
 * are never shared between clouds.
 */
export async function moveDisk(
  deps: { readonly db: Database },
  { diskId, destinationFolderId }: MoveDisk,
  caller: Caller,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    const disk = await lockDisk(tx, diskId);
    if (disk === undefined) throw notFound('Disk', diskId);
    if ((await findFolder(tx, destinationFolderId)) === undefined) throw notFound('Folder', destinationFolderId);
    if (await isInAnotherCloud(tx, disk.folderId, destinationFolderId)) {
      const message = `Disk "${diskId}" cannot be moved: folder "${destinationFolderId}" is in another cloud`;
      throw failedPrecondition('FOLDER_IN_ANOTHER_CLOUD', message);
    }
    const moved = { ...disk, folderId: destinationFolderId };
    await claimDiskName(tx, moved, () => replaceDisk(tx, moved));
    return insertFinishedOperation(tx, {
      kind: moveDiskKind,
      ...operationOn(moved),
      description: 'Move disk',
      createdBy: caller.subjectId,
      input: { sourceFolderId: disk.folderId, destinationFolderId },
      result: diskToJson(moved),
    });
  });
}
