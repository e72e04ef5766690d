import { deleteAccessBindingsOf } from '../access/access-binding-rows.ts';
import type { Caller } from '../access/caller.ts';
import type { RoleCache } from '../access/role-cache.ts';
import type { Database, Transaction } from '../db/database.ts';
import { failedPrecondition, notFound } from '../errors.ts';
import { deleteFolderRow, lockFolder } from '../folders/folder-rows.ts';
import { standardImagesFolderId } from '../folders/standard-images.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { deleteFolderKind } from './operation-names.ts';

/** What can be in a folder: the tables, and how people call what is in them. */
const contents = [
  ['images', 'images'],
  ['disks', 'disks'],
  ['snapshots', 'snapshots'],
  ['buckets', 'buckets'],
  ['uploads', 'uploads'],
  ['attachments', 'attachments'],
  ['service_accounts', 'service accounts'],
] as const;

/**
 * Deletes a folder and the roles on it, at once. Throws NOT_FOUND, and FAILED_PRECONDITION while anything is in it: what is
 * stored is deleted by name, never because of what it was in. The folder of standard images is never deleted.
 */
export async function deleteFolder(
  { db, roles }: { readonly db: Database; readonly roles: RoleCache },
  { folderId }: { readonly folderId: string },
  caller: Caller,
): Promise<Operation> {
  if (folderId === standardImagesFolderId) {
    throw failedPrecondition(
      'FOLDER_IS_STANDARD',
      `Folder "${folderId}" cannot be deleted: clients look for images in it`,
    );
  }
  const operation = await startOnce({ db }, caller, async (tx) => {
    if ((await lockFolder(tx, folderId)) === undefined) throw notFound('Folder', folderId);
    const held = await namesOfContents(tx, folderId);
    if (held.length > 0) {
      const message = `Folder "${folderId}" is not empty: delete its ${held.join(', ')} first`;
      throw failedPrecondition('FOLDER_NOT_EMPTY', message);
    }
    await deleteAccessBindingsOf(tx, folderId);
    await deleteFolderRow(tx, folderId);
    return insertFinishedOperation(tx, {
      kind: deleteFolderKind,
      folderId,
      resourceId: folderId,
      description: 'Delete folder',
      createdBy: caller.subjectId,
      result: {},
    });
  });
  roles.forget();
  return operation;
}

async function namesOfContents(tx: Transaction, folderId: string): Promise<string[]> {
  const names: string[] = [];
  for (const [table, name] of contents) {
    const row = await tx
      .selectFrom(table)
      .select('folder_id')
      .where('folder_id', '=', folderId)
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) names.push(name);
  }
  return names;
}
