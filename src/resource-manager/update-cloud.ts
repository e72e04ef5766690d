import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { invalidField, notFound } from '../errors.ts';
import { findCloudByName, lockCloud, replaceCloud } from '../folders/cloud-rows.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { claimName } from '../resources/claim-name.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import { cloudToJson } from './folder-json.ts';
import { updateCloudKind } from './operation-names.ts';

export interface UpdateCloud {
  readonly cloudId: string;
  /** The mask, in the request's own (proto) names. Without one, or with an empty one, every field below is set. */
  readonly paths: readonly string[] | undefined;
  readonly name: string;
  readonly description: string;
  /** Replace the labels, all of them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Throws NOT_FOUND, ALREADY_EXISTS for the name, INVALID_ARGUMENT for a path of the mask or an empty name. */
export async function updateCloud(
  deps: { readonly db: Database },
  request: UpdateCloud,
  caller: Caller,
): Promise<Operation> {
  const fields = maskedFields(request.paths, ['name', 'description', 'labels']);
  if (fields.has('name') && request.name === '') throw invalidField('name', 'a cloud has a name');
  return startOnce(deps, caller, async (tx) => {
    const cloud = await lockCloud(tx, request.cloudId);
    if (cloud === undefined) throw notFound('Cloud', request.cloudId);
    const updated = { ...cloud, ...maskedNaming(fields, request) };
    await claimName({
      ...updated,
      noun: 'Cloud',
      findHolder: () => findCloudByName(tx, updated),
      write: () => replaceCloud(tx, updated),
    });
    return insertFinishedOperation(tx, {
      kind: updateCloudKind,
      folderId: '',
      resourceId: cloud.id,
      description: 'Update cloud',
      createdBy: caller.subjectId,
      result: cloudToJson(updated),
    });
  });
}
