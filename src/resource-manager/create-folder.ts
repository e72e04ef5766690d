import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { lockCloud } from '../folders/cloud-rows.ts';
import type { Folder } from '../folders/folder.ts';
import { findFolderByName, insertFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { claimName } from '../resources/claim-name.ts';
import { folderToJson } from './folder-json.ts';
import { createFolderKind } from './operation-names.ts';

export type CreateFolder = Pick<Folder, 'cloudId' | 'name' | 'description' | 'labels'>;

/** Makes a folder. Throws NOT_FOUND for the cloud, ALREADY_EXISTS when the cloud has a folder of this name, RESOURCE_EXHAUSTED when it has too many. */
export async function createFolder(
  deps: { readonly db: Database },
  request: CreateFolder,
  caller: Caller,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    if ((await lockCloud(tx, request.cloudId)) === undefined) throw notFound('Cloud', request.cloudId);
    const folder: Folder = { ...request, id: newId('b1g'), createdAt: new Date(), status: 'ACTIVE' };
    await claimName({
      ...folder,
      noun: 'Folder',
      findHolder: () => findFolderByName(tx, folder),
      write: () => insertFolder(tx, folder),
    });
    await assertWithinQuotas(tx, folder.id, { 'resource-manager.folders.count': 1 });
    return insertFinishedOperation(tx, {
      kind: createFolderKind,
      folderId: folder.id,
      resourceId: folder.id,
      description: 'Create folder',
      createdBy: caller.subjectId,
      now: folder.createdAt,
      result: folderToJson(folder),
    });
  });
}
