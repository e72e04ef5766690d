import type { Insertable, Selectable } from 'kysely';
import { deleteTokenCutoff } from '../access/token-rows.ts';
import type { Queryable, Transaction } from '../db/database.ts';
import type { ServiceAccountsTable } from '../db/schema.ts';
import { parseJson, stringMapOf } from '../lib/json.ts';
import { claimName } from '../resources/claim-name.ts';
import type { ServiceAccount } from './service-account.ts';

/** Writes a row that gives `account` its name. Throws ALREADY_EXISTS when another account of the cloud has it. */
export function claimAccountName(tx: Transaction, account: ServiceAccount, write: () => Promise<void>): Promise<void> {
  return claimName({ ...account, noun: 'Service account', findHolder: () => findAccountByName(tx, account), write });
}

export async function insertAccount(tx: Transaction, account: ServiceAccount): Promise<void> {
  await tx.insertInto('service_accounts').values(toRow(account)).execute();
}

export async function findAccount(db: Queryable, id: string): Promise<ServiceAccount | undefined> {
  const row = await db.selectFrom('service_accounts').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toAccount(row);
}

/** The account, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockAccount(tx: Transaction, id: string): Promise<ServiceAccount | undefined> {
  const row = await tx
    .updateTable('service_accounts')
    .set((values) => ({ name: values.ref('name') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toAccount(row);
}

export interface AccountQuery {
  readonly folderId: string;
  /** Only these, none when it is empty; every one when undefined. */
  readonly names: readonly string[] | undefined;
  /** The id that the page before ended with. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** By id. */
export async function listAccountRows(db: Queryable, query: AccountQuery): Promise<ServiceAccount[]> {
  const { folderId, names, after, limit } = query;
  if (names?.length === 0) return [];
  let rows = db.selectFrom('service_accounts').selectAll().where('folder_id', '=', folderId);
  if (names !== undefined) rows = rows.where('name', 'in', names);
  if (after !== undefined) rows = rows.where('id', '>', after);
  return (await rows.orderBy('id').limit(limit).execute()).map(toAccount);
}

/** Writes everything of the account anew. */
export async function replaceAccount(tx: Transaction, account: ServiceAccount): Promise<void> {
  await tx.updateTable('service_accounts').set(toRow(account)).where('id', '=', account.id).execute();
}

/** Its keys go with it, and what is known of its tokens; its roles are the caller's to take back. */
export async function deleteAccountRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('service_account_keys').where('service_account_id', '=', id).execute();
  await tx.deleteFrom('access_keys').where('service_account_id', '=', id).execute();
  await deleteTokenCutoff(tx, id);
  await tx.deleteFrom('service_accounts').where('id', '=', id).execute();
}

async function findAccountByName(
  db: Queryable,
  { folderId, name }: { readonly folderId: string; readonly name: string },
): Promise<{ readonly id: string } | undefined> {
  return db
    .selectFrom('service_accounts')
    .innerJoin('folders', 'folders.id', 'service_accounts.folder_id')
    .select('service_accounts.id')
    .where('service_accounts.name', '=', name)
    .where('folders.cloud_id', '=', (of) => of.selectFrom('folders').select('cloud_id').where('id', '=', folderId))
    .executeTakeFirst();
}

function toRow(account: ServiceAccount): Insertable<ServiceAccountsTable> {
  return {
    id: account.id,
    folder_id: account.folderId,
    created_at: account.createdAt.getTime(),
    name: account.name,
    description: account.description,
    labels: JSON.stringify(account.labels),
  };
}

function toAccount(row: Selectable<ServiceAccountsTable>): ServiceAccount {
  return {
    id: row.id,
    folderId: row.folder_id,
    createdAt: new Date(row.created_at),
    name: row.name,
    description: row.description,
    labels: stringMapOf(parseJson(row.labels), 'labels'),
  };
}
