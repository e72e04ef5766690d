import type { Transaction } from '../db/database.ts';
import type { AccessBinding, BindingSubject } from './access-binding.ts';

/** Gives a role on a resource. May be repeated: a binding is there once. */
export async function insertAccessBinding(
  tx: Transaction,
  resourceId: string,
  { roleId, subject }: AccessBinding,
): Promise<void> {
  await tx
    .insertInto('access_bindings')
    .values({ resource_id: resourceId, role_id: roleId, subject_type: subject.type, subject_id: subject.id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Takes a role back. May be repeated. */
export async function deleteAccessBinding(
  tx: Transaction,
  resourceId: string,
  { roleId, subject }: AccessBinding,
): Promise<void> {
  await tx
    .deleteFrom('access_bindings')
    .where('resource_id', '=', resourceId)
    .where('role_id', '=', roleId)
    .where('subject_type', '=', subject.type)
    .where('subject_id', '=', subject.id)
    .execute();
}

/** For the transaction that deletes the resource. May be repeated. */
export async function deleteAccessBindingsOf(tx: Transaction, resourceId: string): Promise<void> {
  await tx.deleteFrom('access_bindings').where('resource_id', '=', resourceId).execute();
}

/** For the transaction that deletes the account. May be repeated. */
export async function deleteAccessBindingsTo(tx: Transaction, { type, id }: BindingSubject): Promise<void> {
  await tx.deleteFrom('access_bindings').where('subject_type', '=', type).where('subject_id', '=', id).execute();
}
