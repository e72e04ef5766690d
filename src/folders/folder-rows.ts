import type { Insertable, Selectable } from 'kysely';
import { boundIds } from '../access/access-binding-rows.ts';
import type { Subject } from '../access/subject.ts';
import type { Queryable, Transaction } from '../db/database.ts';
import type { FoldersTable } from '../db/schema.ts';
import { parseJson, stringMapOf } from '../lib/json.ts';
import type { Folder } from './folder.ts';

export async function findFolder(db: Queryable, id: string): Promise<Folder | undefined> {
  const row = await db.selectFrom('folders').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toFolder(row);
}

export interface FolderQuery {
  readonly cloudId: string;
  /** Only these, none when it is empty; every one when undefined. */
  readonly names: readonly string[] | undefined;
  /** Only those that this subject may see by a binding on them; every one when undefined. */
  readonly visibleTo?: Subject | undefined;
  /** The id that the page before ended with. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** By id. */
export async function listFolderRows(db: Queryable, wanted: FolderQuery): Promise<Folder[]> {
  const { cloudId, names, visibleTo, after, limit } = wanted;
  let query = db.selectFrom('folders').selectAll().where('cloud_id', '=', cloudId);
  if (names?.length === 0) return [];
  if (names !== undefined) query = query.where('name', 'in', names);
  if (visibleTo !== undefined) query = query.where('id', 'in', boundIds(db, visibleTo, 'resource-manager.folders.get'));
  if (after !== undefined) query = query.where('id', '>', after);
  return (await query.orderBy('id').limit(limit).execute()).map(toFolder);
}

export async function findFolderByName(
  db: Queryable,
  { cloudId, name }: Pick<Folder, 'cloudId' | 'name'>,
): Promise<Folder | undefined> {
  const named = db.selectFrom('folders').selectAll().where('cloud_id', '=', cloudId).where('name', '=', name);
  const row = await named.executeTakeFirst();
  return row === undefined ? undefined : toFolder(row);
}

export interface NamedFolders {
  readonly name: string;
  /** Only folders that are among these ids, or whose clouds are: a part of the query. All by default. */
  readonly boundOn?: ReturnType<typeof boundIds> | undefined;
  readonly limit: number;
}

/** In all clouds, by id. */
export async function findFoldersByName(db: Queryable, { name, boundOn, limit }: NamedFolders): Promise<Folder[]> {
  let named = db.selectFrom('folders').selectAll().where('name', '=', name);
  if (boundOn !== undefined)
    named = named.where((row) => row.or([row('id', 'in', boundOn), row('cloud_id', 'in', boundOn)]));
  return (await named.orderBy('id').limit(limit).execute()).map(toFolder);
}

/** Throws DatabaseFailed with `isConstraint` when the cloud has a folder of this name. */
export async function insertFolder(tx: Transaction, folder: Folder): Promise<void> {
  await tx.insertInto('folders').values(toRow(folder)).execute();
}

/** The folder, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockFolder(tx: Transaction, id: string): Promise<Folder | undefined> {
  const row = await tx
    .updateTable('folders')
    .set((values) => ({ status: values.ref('status') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toFolder(row);
}

/** Writes everything of the folder anew. Throws as insertFolder. */
export async function replaceFolder(tx: Transaction, folder: Folder): Promise<void> {
  await tx.updateTable('folders').set(toRow(folder)).where('id', '=', folder.id).execute();
}

/** Throws DatabaseFailed with `isConstraint` while there is something in it. */
export async function deleteFolderRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('folders').where('id', '=', id).execute();
}

function toRow({ cloudId, createdAt, labels, ...folder }: Folder): Insertable<FoldersTable> {
  return { ...folder, cloud_id: cloudId, created_at: createdAt.getTime(), labels: JSON.stringify(labels) };
}

function toFolder(row: Selectable<FoldersTable>): Folder {
  return {
    id: row.id,
    cloudId: row.cloud_id,
    createdAt: new Date(row.created_at),
    name: row.name,
    description: row.description,
    labels: stringMapOf(parseJson(row.labels), 'labels'),
    status: row.status,
  };
}
