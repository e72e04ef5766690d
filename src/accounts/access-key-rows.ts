import type { Queryable, Transaction } from '../db/database.ts';
import type { AccessKey } from './access-key.ts';
import type { KeyQuery } from './key-rows.ts';

export async function insertAccessKey(tx: Transaction, key: AccessKey): Promise<void> {
  await tx
    .insertInto('access_keys')
    .values({
      id: key.id,
      service_account_id: key.serviceAccountId,
      key_id: key.keyId,
      description: key.description,
      created_at: key.createdAt.getTime(),
    })
    .execute();
}

export async function findAccessKey(db: Queryable, id: string): Promise<AccessKey | undefined> {
  const row = await keysWithFolder(db).where('access_keys.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toAccessKey(row);
}

/** By id. */
export async function listAccessKeyRows(
  db: Queryable,
  { serviceAccountId, after, limit }: KeyQuery,
): Promise<AccessKey[]> {
  let rows = keysWithFolder(db).where('service_account_id', '=', serviceAccountId);
  if (after !== undefined) rows = rows.where('access_keys.id', '>', after);
  return (await rows.orderBy('access_keys.id').limit(limit).execute()).map(toAccessKey);
}

export async function countAccessKeys(db: Queryable, serviceAccountId: string): Promise<number> {
  const { count } = await db
    .selectFrom('access_keys')
    .select((row) => row.fn.countAll().as('count'))
    .where('service_account_id', '=', serviceAccountId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function describeAccessKey(tx: Transaction, id: string, description: string): Promise<void> {
  await tx.updateTable('access_keys').set({ description }).where('id', '=', id).execute();
}

export async function deleteAccessKeyRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('access_keys').where('id', '=', id).execute();
}

function keysWithFolder(db: Queryable) {
  return db
    .selectFrom('access_keys')
    .innerJoin('service_accounts', 'service_accounts.id', 'access_keys.service_account_id')
    .selectAll('access_keys')
    .select('service_accounts.folder_id');
}

type AccessKeyRow = Awaited<ReturnType<ReturnType<typeof keysWithFolder>['executeTakeFirstOrThrow']>>;

function toAccessKey(row: AccessKeyRow): AccessKey {
  return {
    id: row.id,
    serviceAccountId: row.service_account_id,
    folderId: row.folder_id,
    createdAt: new Date(row.created_at),
    description: row.description,
    keyId: row.key_id,
  };
}
