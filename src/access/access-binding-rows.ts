import { type ExpressionBuilder, type Selectable, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { AccessBindingsTable, Schema } from '../db/schema.ts';
import { type AccessBinding, type BindingSubject, bindingSubject, systemGroups } from './access-binding.ts';
import type { Permission } from './permissions.ts';
import { isRoleId, type RoleId, rolesWith } from './roles.ts';
import type { Subject } from './subject.ts';

/** Gives a role on a resource. May be repeated: a binding is there once. */
export async function insertAccessBinding(tx: Transaction, resourceId: string, binding: AccessBinding): Promise<void> {
  await insertAccessBindings(tx, resourceId, [binding]);
}

/** The same for many. */
export async function insertAccessBindings(
  tx: Transaction,
  resourceId: string,
  bindings: readonly AccessBinding[],
): Promise<void> {
  if (bindings.length === 0) return;
  const rows = bindings.map(({ roleId, subject }) => ({
    resource_id: resourceId,
    role_id: roleId,
    subject_type: subject.type,
    subject_id: subject.id,
  }));
  await tx
    .insertInto('access_bindings')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Bindings that one statement takes back: its condition grows with them. */
const deletedAtOnce = 100;

/** Takes roles back. May be repeated. */
export async function deleteAccessBindings(
  tx: Transaction,
  resourceId: string,
  bindings: readonly AccessBinding[],
): Promise<void> {
  for (let first = 0; first < bindings.length; first += deletedAtOnce) {
    const some = bindings.slice(first, first + deletedAtOnce);
    await tx
      .deleteFrom('access_bindings')
      .where('resource_id', '=', resourceId)
      .where((row) =>
        row.or(
          some.map(({ roleId, subject }) =>
            row.and([
              row('role_id', '=', roleId),
              row('subject_type', '=', subject.type),
              row('subject_id', '=', subject.id),
            ]),
          ),
        ),
      )
      .execute();
  }
}

/** All of a resource: at most maxBindings of them. */
export async function listAccessBindingRows(db: Queryable, resourceId: string): Promise<AccessBinding[]> {
  const rows = await db.selectFrom('access_bindings').selectAll().where('resource_id', '=', resourceId).execute();
  return rows.flatMap(toBinding);
}

/** Nothing for what only a later version knows. */
function toBinding(row: Selectable<AccessBindingsTable>): AccessBinding[] {
  const subject = bindingSubject(row.subject_type, row.subject_id);
  return subject === undefined || !isRoleId(row.role_id) ? [] : [{ roleId: row.role_id, subject }];
}

/** For the transaction that deletes the resource. May be repeated. */
export async function deleteAccessBindingsOf(tx: Transaction, resourceId: string): Promise<void> {
  await tx.deleteFrom('access_bindings').where('resource_id', '=', resourceId).execute();
}

/** For the transaction that deletes the account. May be repeated. */
export async function deleteAccessBindingsTo(tx: Transaction, { type, id }: BindingSubject): Promise<void> {
  await tx.deleteFrom('access_bindings').where('subject_type', '=', type).where('subject_id', '=', id).execute();
}

/** Roles bound on a thing itself, and those that are bound on the folder or cloud it is in. */
export interface FoundRoles {
  readonly own: readonly RoleId[];
  readonly above: readonly RoleId[];
}

/** Where roles are looked for; what is undefined is passed over. */
export interface RolePlaces {
  readonly resourceId?: string | undefined;
  /** With its cloud. */
  readonly folderId?: string | undefined;
  readonly cloudId?: string | undefined;
}

/**
 * The roles that the subject has in these places, by its own bindings or its groups'. One query, whatever is given and
 * whatever there is.
 */
export async function findRoles(
  db: Queryable,
  subject: Subject,
  { resourceId, folderId = '', cloudId }: RolePlaces,
): Promise<FoundRoles> {
  const cloudOfFolder = sql<string>`(select cloud_id from folders where id = ${folderId})`;
  const rows = await db
    .selectFrom('access_bindings')
    .select(['resource_id', 'role_id'])
    .where('resource_id', 'in', [sql.val(resourceId ?? ''), sql.val(folderId), sql.val(cloudId ?? ''), cloudOfFolder])
    .where(isOf(subject))
    .execute();
  const rolesOf = (isOwn: boolean) =>
    rows.filter((row) => (row.resource_id === resourceId) === isOwn).map((row) => row.role_id);
  // Roles of a later version are passed over.
  return { own: rolesOf(true).filter(isRoleId), above: rolesOf(false).filter(isRoleId) };
}

/** The ids of what the subject has this permission on by a binding on that itself: a part of a larger query. */
export function boundIds(db: Queryable, subject: Subject, permission: Permission) {
  return idsWith(db, permission).where(isOf(subject));
}

/** The same, but only by bindings to the subject itself, to none of its groups. */
export function ownBoundIds(db: Queryable, { kind, id }: Subject, permission: Permission) {
  return idsWith(db, permission).where('subject_type', '=', kind).where('subject_id', '=', id);
}

function idsWith(db: Queryable, permission: Permission) {
  return db.selectFrom('access_bindings').select('resource_id').where('role_id', 'in', rolesWith(permission));
}

/** Bindings of the subject and of the groups that it is in; each is found by an index. */
function isOf({ kind, id }: Subject) {
  const subjects = [{ type: kind, id }, ...systemGroups.map((group) => ({ type: 'system', id: group }) as const)];
  return (row: ExpressionBuilder<Schema, 'access_bindings'>) =>
    row.or(subjects.map((one) => row.and([row('subject_type', '=', one.type), row('subject_id', '=', one.id)])));
}
