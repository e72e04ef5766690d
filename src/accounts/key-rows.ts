import type { Queryable, Transaction } from '../db/database.ts';
import { choiceOf } from '../lib/json.ts';
import { type Key, keyAlgorithms } from './key.ts';

export async function insertKey(tx: Transaction, key: Key): Promise<void> {
  await tx
    .insertInto('service_account_keys')
    .values({
      id: key.id,
      service_account_id: key.serviceAccountId,
      algorithm: key.algorithm,
      public_key_pem: key.publicKeyPem,
      description: key.description,
      created_at: key.createdAt.getTime(),
    })
    .execute();
}

export async function findKey(db: Queryable, id: string): Promise<Key | undefined> {
  const row = await keysWithFolder(db).where('service_account_keys.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toKey(row);
}

export interface KeyQuery {
  readonly serviceAccountId: string;
  /** The id that the page before ended with. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** By id. */
export async function listKeyRows(db: Queryable, { serviceAccountId, after, limit }: KeyQuery): Promise<Key[]> {
  let rows = keysWithFolder(db).where('service_account_id', '=', serviceAccountId);
  if (after !== undefined) rows = rows.where('service_account_keys.id', '>', after);
  return (await rows.orderBy('service_account_keys.id').limit(limit).execute()).map(toKey);
}

export async function countKeys(db: Queryable, serviceAccountId: string): Promise<number> {
  const { count } = await db
    .selectFrom('service_account_keys')
    .select((row) => row.fn.countAll().as('count'))
    .where('service_account_id', '=', serviceAccountId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function describeKey(tx: Transaction, id: string, description: string): Promise<void> {
  await tx.updateTable('service_account_keys').set({ description }).where('id', '=', id).execute();
}

export async function deleteKeyRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('service_account_keys').where('id', '=', id).execute();
}

function keysWithFolder(db: Queryable) {
  return db
    .selectFrom('service_account_keys')
    .innerJoin('service_accounts', 'service_accounts.id', 'service_account_keys.service_account_id')
    .selectAll('service_account_keys')
    .select('service_accounts.folder_id');
}

type KeyRow = Awaited<ReturnType<ReturnType<typeof keysWithFolder>['executeTakeFirstOrThrow']>>;

function toKey(row: KeyRow): Key {
  return {
    id: row.id,
    serviceAccountId: row.service_account_id,
    folderId: row.folder_id,
    createdAt: new Date(row.created_at),
    description: row.description,
    algorithm: choiceOf(row.algorithm, keyAlgorithms, 'algorithm'),
    publicKeyPem: row.public_key_pem,
  };
}
