import type { Caller } from '../access/caller.ts';
import type { LiveTokens } from '../access/live-tokens.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { type Administrator, assertMayUse, assertNotAdminKey } from './administrator.ts';
import { deleteKeyRow, findKey } from './key-rows.ts';
import { deleteKeyKind } from './operation-names.ts';

export interface DeleteKeyDeps {
  readonly db: Database;
  readonly liveTokens: Pick<LiveTokens, 'forget'>;
  readonly administrator: Administrator;
}

/**
 * Deletes a key, at once, which ends the tokens that were given for it. Throws NOT_FOUND, FAILED_PRECONDITION for the
 * administrator's key in the data directory.
 */
export async function deleteKey(
  deps: DeleteKeyDeps,
  { keyId }: { readonly keyId: string },
  caller: Caller,
): Promise<Operation> {
  const { administrator, liveTokens } = deps;
  const operation = await startOnce(deps, caller, async (tx) => {
    const key = await findKey(tx, keyId);
    if (key === undefined) throw notFound('Key', keyId);
    assertMayUse(administrator, { ...key, ...caller });
    assertNotAdminKey(administrator, keyId);
    await deleteKeyRow(tx, keyId);
    return insertFinishedOperation(tx, {
      kind: deleteKeyKind,
      folderId: key.folderId,
      resourceId: keyId,
      description: 'Delete key',
      createdBy: caller.subjectId,
      result: {},
    });
  });
  liveTokens.forget();
  return operation;
}
