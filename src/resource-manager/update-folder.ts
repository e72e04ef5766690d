import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { invalidField, notFound } from '../errors.ts';
import { findFolderByName, lockFolder, replaceFolder } from '../folders/folder-rows.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { claimName } from '../resources/claim-name.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import { folderToJson } from './folder-json.ts';
import { updateFolderKind } from './operation-names.ts';

export interface UpdateFolder {
  readonly folderId: string;
  /** The mask, in the request's own (proto) names. Without one, or with an empty one, every field below is set. */
  readonly paths: readonly string[] | undefined;
  readonly name: string;
  readonly description: string;
  /** Replace the labels, all of them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Throws NOT_FOUND, ALREADY_EXISTS for the name, INVALID_ARGUMENT for a path of the mask or an empty name. */
export async function updateFolder(
  deps: { readonly db: Database },
  request: UpdateFolder,
  caller: Caller,
): Promise<Operation> {
  const fields = maskedFields(request.paths, ['name', 'description', 'labels']);
  if (fields.has('name') && request.name === '') throw invalidField('name', 'a folder has a name');
  return startOnce(deps, caller, async (tx) => {
    const folder = await lockFolder(tx, request.folderId);
    if (folder === undefined) throw notFound('Folder', request.folderId);
    const updated = { ...folder, ...maskedNaming(fields, request) };
    await claimName({
      ...updated,
      noun: 'Folder',
      findHolder: () => findFolderByName(tx, updated),
      write: () => replaceFolder(tx, updated),
    });
    return insertFinishedOperation(tx, {
      kind: updateFolderKind,
      folderId: folder.id,
      resourceId: folder.id,
      description: 'Update folder',
      createdBy: caller.subjectId,
      result: folderToJson(updated),
    });
  });
}
