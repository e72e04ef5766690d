import { deleteAccessBindingsTo } from '../access/access-binding-rows.ts';
import type { Caller } from '../access/caller.ts';
import type { LiveTokens } from '../access/live-tokens.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { type Administrator, assertNotAdministrator } from './administrator.ts';
import { deleteAccountKind } from './operation-names.ts';
import { deleteAccountRow, lockAccount } from './service-account-rows.ts';

export interface DeleteServiceAccountDeps {
  readonly db: Database;
  readonly liveTokens: Pick<LiveTokens, 'forget'>;
  readonly administrator: Administrator;
}

/**
 * Deletes a service account with its keys and its roles, at once, which ends its tokens; what it made stays. Throws NOT_FOUND,
 * FAILED_PRECONDITION for the administrator's.
 */
export async function deleteServiceAccount(
  deps: DeleteServiceAccountDeps,
  { serviceAccountId }: { readonly serviceAccountId: string },
  caller: Caller,
): Promise<Operation> {
  const operation = await startOnce(deps, caller, async (tx) => {
    const account = await lockAccount(tx, serviceAccountId);
    if (account === undefined) throw notFound('Service account', serviceAccountId);
    assertNotAdministrator(deps.administrator, serviceAccountId);
    await deleteAccessBindingsTo(tx, { type: 'serviceAccount', id: serviceAccountId });
    await deleteAccountRow(tx, serviceAccountId);
    return insertFinishedOperation(tx, {
      kind: deleteAccountKind,
      folderId: account.folderId,
      resourceId: serviceAccountId,
      description: 'Delete service account',
      createdBy: caller.subjectId,
      result: {},
    });
  });
  deps.liveTokens.forget();
  return operation;
}
