import type { Insertable, Selectable } from 'kysely';
import { ownBoundIds } from '../access/access-binding-rows.ts';
import type { Subject } from '../access/subject.ts';
import type { Queryable, Transaction } from '../db/database.ts';
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
  /** Only those of this organization; every one when it is ''. */
  readonly organizationId: string;
  /** Only those that this subject may see by a role of its own; every one when undefined. */
  readonly visibleTo: Subject | undefined;
  /** The id that the page before ended with. */
  readonly after: string | undefined;
  readonly limit: number;
}

/**
 * By id. Clients take the only cloud that they are shown for the user's: so neither the one of standard-images is shown,
 * nor one that somebody has opened to everybody.
 */
export async function listCloudRows(db: Queryable, wanted: CloudQuery): Promise<Cloud[]> {
  const { names, organizationId, visibleTo, after, limit } = wanted;
  let query = db.selectFrom('clouds').selectAll().where('id', '<>', standardImagesCloudId);
  if (names?.length === 0) return [];
  if (names !== undefined) query = query.where('name', 'in', names);
  if (organizationId !== '') query = query.where('organization_id', '=', organizationId);
  if (visibleTo !== undefined)
    query = query.where('id', 'in', ownBoundIds(db, visibleTo, 'resource-manager.clouds.get'));
  if (after !== undefined) query = query.where('id', '>', after);
  return (await query.orderBy('id').limit(limit).execute()).map(toCloud);
}

export async function findCloudByName(db: Queryable, { name }: Pick<Cloud, 'name'>): Promise<Cloud | undefined> {
  const row = await db.selectFrom('clouds').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? undefined : toCloud(row);
}

/** Throws DatabaseFailed with `isConstraint` when there is a cloud of this name. */
export async function insertCloud(tx: Transaction, cloud: Cloud): Promise<void> {
  await tx.insertInto('clouds').values(toRow(cloud)).execute();
}

/** The cloud, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockCloud(tx: Transaction, id: string): Promise<Cloud | undefined> {
  const row = await tx
    .updateTable('clouds')
    .set((values) => ({ name: values.ref('name') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toCloud(row);
}

/** Writes everything of the cloud anew. Throws as insertCloud. */
export async function replaceCloud(tx: Transaction, cloud: Cloud): Promise<void> {
  await tx.updateTable('clouds').set(toRow(cloud)).where('id', '=', cloud.id).execute();
}

/** Throws DatabaseFailed with `isConstraint` while there is a folder in it. */
export async function deleteCloudRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('clouds').where('id', '=', id).execute();
}

function toRow({ createdAt, labels, organizationId, ...cloud }: Cloud): Insertable<CloudsTable> {
  return {
    ...cloud,
    created_at: createdAt.getTime(),
    labels: JSON.stringify(labels),
    organization_id: organizationId,
  };
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
