import type { Selectable } from 'kysely';
import type { Queryable } from '../db/database.ts';
import type { CloudsTable } from '../db/schema.ts';
import { parseJson, stringMapOf } from '../lib/json.ts';
import type { Cloud } from './folder.ts';
import { standardImagesCloudId } from './standard-images.ts';

export async function findCloud(db: Queryable, id: string): Promise<Cloud | undefined> {
  const row = await db.selectFrom('clouds').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toCloud(row);
}

export interface CloudQuery {
  /** Only these, none when it is empty; every one when undefined. */
  readonly names: readonly string[] | undefined;
  /** The id that the page before ended with. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** By id. Without the one of standard-images: clients take the only cloud that they are shown for the user's. */
export async function listCloudRows(db: Queryable, { names, after, limit }: CloudQuery): Promise<Cloud[]> {
  let query = db.selectFrom('clouds').selectAll().where('id', '<>', standardImagesCloudId);
  if (names?.length === 0) return [];
  if (names !== undefined) query = query.where('name', 'in', names);
  if (after !== undefined) query = query.where('id', '>', after);
  return (await query.orderBy('id').limit(limit).execute()).map(toCloud);
}

function toCloud(row: Selectable<CloudsTable>): Cloud {
  return {
    id: row.id,
    createdAt: new Date(row.created_at),
    name: row.name,
    description: row.description,
    organizationId: row.organization_id,
    labels: stringMapOf(parseJson(row.labels), 'labels'),
  };
}
