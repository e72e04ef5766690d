import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { maskedFields } from '../resources/update-mask.ts';
import { keyToJson } from './key-json.ts';
import { describeKey, findKey } from './key-rows.ts';
import { updateKeyKind } from './operation-names.ts';

export interface UpdateKey {
  readonly keyId: string;
  /** The mask: nothing but the description can be in it. */
  readonly paths: readonly string[] | undefined;
  readonly description: string;
}

/** Changes a key's description, at once. Throws NOT_FOUND, INVALID_ARGUMENT for a path of the mask. */
export async function updateKey(
  deps: { readonly db: Database },
  { keyId, paths, description }: UpdateKey,
  caller: Caller,
): Promise<Operation> {
  maskedFields(paths, ['description']);
  return startOnce(deps, caller, async (tx) => {
    await describeKey(tx, keyId, description);
    const key = await findKey(tx, keyId);
    if (key === undefined) throw notFound('Key', keyId);
    return insertFinishedOperation(tx, {
      kind: updateKeyKind,
      folderId: key.folderId,
      resourceId: keyId,
      description: 'Update key',
      createdBy: caller.subjectId,
      result: keyToJson(key),
    });
  });
}
