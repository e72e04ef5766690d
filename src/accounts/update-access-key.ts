import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { maskedFields } from '../resources/update-mask.ts';
import { accessKeyToJson } from './access-key-json.ts';
import { describeAccessKey, findAccessKey } from './access-key-rows.ts';
import { updateAccessKeyKind } from './operation-names.ts';

export interface UpdateAccessKey {
  readonly accessKeyId: string;
  /** The mask: nothing but the description can be in it. */
  readonly paths: readonly string[] | undefined;
  readonly description: string;
}

/** Changes an access key's description, at once. Throws NOT_FOUND, INVALID_ARGUMENT for a path of the mask. */
export async function updateAccessKey(
  deps: { readonly db: Database },
  { accessKeyId, paths, description }: UpdateAccessKey,
  caller: Caller,
): Promise<Operation> {
  maskedFields(paths, ['description']);
  return startOnce(deps, caller, async (tx) => {
    await describeAccessKey(tx, accessKeyId, description);
    const key = await findAccessKey(tx, accessKeyId);
    if (key === undefined) throw notFound('Access key', accessKeyId);
    return insertFinishedOperation(tx, {
      kind: updateAccessKeyKind,
      folderId: key.folderId,
      resourceId: accessKeyId,
      description: 'Update access key',
      createdBy: caller.subjectId,
      result: accessKeyToJson(key),
    });
  });
}
