import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { invalidField, notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import { type Administrator, assertMayUse } from './administrator.ts';
import { updateAccountKind } from './operation-names.ts';
import type { ServiceAccount } from './service-account.ts';
import { accountToJson } from './service-account-json.ts';
import { claimAccountName, lockAccount, replaceAccount } from './service-account-rows.ts';

export interface UpdateServiceAccount {
  readonly serviceAccountId: string;
  /** The mask, in the request's own (proto) names. Without one, or with an empty one, every field below is set. */
  readonly paths: readonly string[] | undefined;
  readonly name: string;
  readonly description: string;
  /** Replace the labels, all of them. */
  readonly labels: Readonly<Record<string, string>>;
}

const mutableFields = ['name', 'description', 'labels'] as const;

/**
 * Changes what may change of a service account, at once. Throws NOT_FOUND, ALREADY_EXISTS for the name,
 * INVALID_ARGUMENT for a path of the mask and for an account without a name, PERMISSION_DENIED for the administrator's account.
 */
export async function updateServiceAccount(
  deps: { readonly db: Database; readonly administrator: Administrator },
  request: UpdateServiceAccount,
  caller: Caller,
): Promise<Operation> {
  const fields = maskedFields(request.paths, mutableFields);
  if (fields.has('name') && request.name === '') throw invalidField('name', 'value is required');
  return startOnce(deps, caller, async (tx) => {
    const account = await lockAccount(tx, request.serviceAccountId);
    if (account === undefined) throw notFound('Service account', request.serviceAccountId);
    // A name that another account could then have is as good as a way to be taken for it.
    assertMayUse(deps.administrator, { ...request, ...caller });
    const updated: ServiceAccount = { ...account, ...maskedNaming(fields, request) };
    await claimAccountName(tx, updated, () => replaceAccount(tx, updated));
    return insertFinishedOperation(tx, {
      kind: updateAccountKind,
      folderId: account.folderId,
      resourceId: account.id,
      description: 'Update service account',
      createdBy: caller.subjectId,
      result: accountToJson(updated),
    });
  });
}
