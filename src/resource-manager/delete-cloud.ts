import { deleteAccessBindingsOf } from '../access/access-binding-rows.ts';
import type { Caller } from '../access/caller.ts';
import type { RoleCache } from '../access/role-cache.ts';
import type { Database } from '../db/database.ts';
import { failedPrecondition, notFound } from '../errors.ts';
import { deleteCloudRow, lockCloud } from '../folders/cloud-rows.ts';
import { listFolderRows } from '../folders/folder-rows.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { deleteCloudKind } from './operation-names.ts';

/** Deletes a cloud and the roles on it, at once. Throws NOT_FOUND, and FAILED_PRECONDITION while it has a folder. */
export async function deleteCloud(
  { db, roles }: { readonly db: Database; readonly roles: RoleCache },
  { cloudId }: { readonly cloudId: string },
  caller: Caller,
): Promise<Operation> {
  const operation = await startOnce({ db }, caller, async (tx) => {
    if ((await lockCloud(tx, cloudId)) === undefined) throw notFound('Cloud', cloudId);
    const [folder] = await listFolderRows(tx, { cloudId, names: undefined, after: undefined, limit: 1 });
    if (folder !== undefined) {
      const message = `Cloud "${cloudId}" is not empty: delete its folders first`;
      throw failedPrecondition('CLOUD_NOT_EMPTY', message);
    }
    await deleteAccessBindingsOf(tx, cloudId);
    await deleteCloudRow(tx, cloudId);
    return insertFinishedOperation(tx, {
      kind: deleteCloudKind,
      folderId: '',
      resourceId: cloudId,
      description: 'Delete cloud',
      createdBy: caller.subjectId,
      result: {},
    });
  });
  roles.forget();
  return operation;
}
