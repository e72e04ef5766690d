import type { Selectable } from 'kysely';
import type { Queryable } from '../db/database.ts';
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
  /** The id that the page before ended with. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** By id. */
export async function listFolderRows(db: Queryable, { cloudId, names, after, limit }: FolderQuery): Promise<Folder[]> {
  let query = db.selectFrom('folders').selectAll().where('cloud_id', '=', cloudId);
  if (names?.length === 0) return [];
  if (names !== undefined) query = query.where('name', 'in', names);
  if (after !== undefined) query = query.where('id', '>', after);
  return (await query.orderBy('id').limit(limit).execute()).map(toFolder);
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
