import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { createAccountKind } from './operation-names.ts';
import type { ServiceAccount } from './service-account.ts';
import { accountToJson } from './service-account-json.ts';
import { claimAccountName, insertAccount } from './service-account-rows.ts';

export interface CreateServiceAccount {
  readonly folderId: string;
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Makes a service account, at once. Throws NOT_FOUND for the folder, ALREADY_EXISTS for the name, RESOURCE_EXHAUSTED. */
export async function createServiceAccount(
  deps: { readonly db: Database },
  request: CreateServiceAccount,
  caller: Caller,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    const { folderId } = request;
    if ((await findFolder(tx, folderId)) === undefined) throw notFound('Folder', folderId);
    const account: ServiceAccount = { ...request, id: newId('aje'), createdAt: new Date() };
    await claimAccountName(tx, account, () => insertAccount(tx, account));
    await assertWithinQuotas(tx, folderId, { 'iam.serviceAccounts.count': 1 });
    return insertFinishedOperation(tx, {
      kind: createAccountKind,
      folderId,
      resourceId: account.id,
      description: 'Create service account',
      createdBy: caller.subjectId,
      now: account.createdAt,
      result: accountToJson(account),
    });
  });
}
