import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { deleteAccessKeyRow, findAccessKey } from './access-key-rows.ts';
import { type Administrator, assertMayUse } from './administrator.ts';
import { deleteAccessKeyKind } from './operation-names.ts';

/** Deletes an access key, at once: what it signed, or signs, is refused by every process. Throws NOT_FOUND. */
export async function deleteAccessKey(
  deps: { readonly db: Database; readonly administrator: Administrator },
  { accessKeyId }: { readonly accessKeyId: string },
  caller: Caller,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    const key = await findAccessKey(tx, accessKeyId);
    if (key === undefined) throw notFound('Access key', accessKeyId);
    assertMayUse(deps.administrator, { ...key, ...caller });
    await deleteAccessKeyRow(tx, accessKeyId);
    return insertFinishedOperation(tx, {
      kind: deleteAccessKeyKind,
      folderId: key.folderId,
      resourceId: accessKeyId,
      description: 'Delete access key',
      createdBy: caller.subjectId,
      result: {},
    });
  });
}
