import { type Selectable, sql, type UpdateObject, type ValueExpression } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { OperationsTable, Schema } from '../db/schema.ts';
import { parseJson } from '../lib/json.ts';
import type { PagePosition } from '../lib/page.ts';
import type { Operation, OperationInput } from './operation.ts';
import { readStoredError } from './stored-error.ts';

export type OperationRow = Selectable<OperationsTable>;

/** What may change in a row after it was made. */
export type OperationChange = Omit<
  UpdateObject<Schema, 'operations'>,
  'id' | 'kind' | 'folder_id' | 'resource_id' | 'input'
>;

// The text of the partial index's own condition: a bound parameter in its place would leave the index unused.
const notDone = sql<boolean>`state <> 'done'`;

/** A lease as its last renewal left it. */
export interface SeenLease {
  readonly operationId: string;
  readonly epoch: number;
  readonly renewals: number;
}

/** The cloud is the folder's. */
export async function insertRow(
  tx: Transaction,
  row: Omit<OperationRow, 'cloud_id' | 'run_after'> & {
    readonly run_after: ValueExpression<Schema, 'operations', number>;
  },
): Promise<void> {
  await tx
    .insertInto('operations')
    .values((values) => {
      const cloud = values.selectFrom('folders').select('cloud_id').where('id', '=', row.folder_id);
      return { ...row, cloud_id: values.fn.coalesce(cloud, sql.lit('')) };
    })
    .execute();
}

export async function findRow(db: Queryable, id: string): Promise<OperationRow | undefined> {
  return db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findRowByNumber(
  db: Queryable,
  { folderId, number }: { readonly folderId: string; readonly number: string },
): Promise<OperationRow | undefined> {
  const numbered = db.selectFrom('operations').selectAll().where('number', '=', number);
  return numbered.where('folder_id', '=', folderId).executeTakeFirst();
}

/** The row, held until the transaction ends: an update that changes nothing locks it in every database. */
export async function lockRow(tx: Transaction, id: string): Promise<OperationRow | undefined> {
  return tx
    .updateTable('operations')
    .set((row) => ({ lease_epoch: row.ref('lease_epoch') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

/**
 * Changes the row if it is running under this epoch, and holds it until the transaction ends; returns its attempts, or
 * undefined when it is not.
 */
export async function updateLeased(
  tx: Transaction,
  lease: { readonly operationId: string; readonly epoch: number },
  change: OperationChange,
): Promise<number | undefined> {
  const row = await tx
    .updateTable('operations')
    .set((values) => ({ lease_epoch: values.ref('lease_epoch'), ...change }))
    .where('id', '=', lease.operationId)
    .where('state', '=', 'running')
    .where('lease_epoch', '=', lease.epoch)
    .returning('attempts')
    .executeTakeFirst();
  return row?.attempts;
}

/** May be repeated. */
export async function deleteRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('operations').where('id', '=', id).execute();
}

export async function updateRow(tx: Transaction, id: string, change: OperationChange): Promise<void> {
  await tx.updateTable('operations').set(change).where('id', '=', id).execute();
}

// As notDone: the partial index's own condition.
const running = sql<boolean>`state = 'running'`;

/** Ends every lease now, or that on one operation: whatever runs may be claimed at once. */
export async function endLeases(tx: Transaction, operationId?: string): Promise<void> {
  await tx
    .updateTable('operations')
    .set({ lease_owner: '' })
    .where(running)
    .$if(operationId !== undefined, (leases) => leases.where('id', '=', operationId ?? ''))
    .execute();
}

/** The name of one start of a node in the leases. `start` is another one each time. */
export const leaseOwner = (nodeId: string, start: string): string => `${nodeId}/${start}`;

/** Ends the leases that earlier starts of a node have left: it was killed, and nobody has to wait for what it ran. */
export async function endLeasesOfNode(tx: Transaction, nodeId: string): Promise<void> {
  const owners = leaseOwner(nodeId, '%');
  await tx
    .updateTable('operations')
    .set({ lease_owner: '' })
    .where(running)
    .where('lease_owner', 'like', owners)
    .execute();
}

/** The leases on operations of these kinds, as they are now. */
export async function findLeases(db: Queryable, kinds: readonly string[]): Promise<SeenLease[]> {
  return db
    .selectFrom('operations')
    .select(['id as operationId', 'lease_epoch as epoch', 'lease_renewals as renewals'])
    .where(running)
    .where('kind', 'in', kinds)
    .execute();
}

/** Lets any node run what only this one could: it is lost, and what it was to work on. */
export async function freeOperationsOf(tx: Transaction, nodeId: string): Promise<void> {
  // Who runs one there, and does not know of it, can commit nothing more.
  await tx
    .updateTable('operations')
    .set((row) => ({ node_id: '', lease_owner: '', lease_epoch: sql<number>`${row.ref('lease_epoch')} + 1` }))
    .where('node_id', '=', nodeId)
    .where(notDone)
    .execute();
}

/** What is not done yet on a resource, oldest first. */
export async function findUnderWay(db: Queryable, resourceId: string): Promise<OperationRow[]> {
  return db
    .selectFrom('operations')
    .selectAll()
    .where('resource_id', '=', resourceId)
    .where(notDone)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** Whether there is such an operation and it is not done. */
export async function isUnderWay(db: Queryable, id: string): Promise<boolean> {
  const row = await db.selectFrom('operations').select('id').where('id', '=', id).where(notDone).executeTakeFirst();
  return row !== undefined;
}

/** Which operations are listed: those on a resource, or those in a folder. */
export type OperationsScope = { readonly resourceId: string } | FolderScope;

export interface FolderScope {
  readonly folderId: string;
  /** Only what is on things of these, by the first word of its kind (`image`); on all by default. */
  readonly nouns?: readonly string[];
  /** Only what is in this zone, or with '' what is in none; in all by default. */
  readonly zoneId?: string;
}

/** Those of the operations that are not done. */
export async function findUnderWayAmong(db: Queryable, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('operations')
    .select('id')
    .where('id', 'in', ids)
    .where('state', '<>', 'done')
    .execute();
  return rows.map(({ id }) => id);
}

export interface OperationsQuery {
  readonly scope: OperationsScope;
  /** Where the page before ended. */
  readonly after: PagePosition | undefined;
  readonly limit: number;
}

/** The operations of the scope, newest first: at most `limit` of those that come after the position `after`. */
export async function listRows(db: Queryable, query: OperationsQuery): Promise<OperationRow[]> {
  return operationPage(db, query).selectAll().execute();
}

/** How many characters each of the same rows has of what its kind keeps. */
export async function listLengths(db: Queryable, query: OperationsQuery): Promise<number[]> {
  const length = sql<number>`length(input) + length(coalesce(progress, '')) + length(coalesce(result, ''))`;
  const rows = await operationPage(db, query).select(length.as('length')).execute();
  return rows.map((row) => Number(row.length));
}

export function operationPage(db: Queryable, { scope, after, limit }: OperationsQuery) {
  let query = 'resourceId' in scope ? operationsOn(db, scope.resourceId) : operationsIn(db, scope);
  if (after !== undefined) {
    const createdAt = Number(after.key);
    query = query.where((row) => row(row.refTuple('created_at', 'id'), '<', row.tuple(createdAt, after.id)));
  }
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit);
}

function operationsOn(db: Queryable, resourceId: string) {
  return db.selectFrom('operations').where('resource_id', '=', resourceId);
}

function operationsIn(db: Queryable, { folderId, nouns, zoneId }: FolderScope) {
  let query = db.selectFrom('operations').where('folder_id', '=', folderId);
  if (zoneId !== undefined) query = query.where('zone_id', '=', zoneId);
  if (nouns === undefined) return query;
  // Each row is asked, not an index: of a folder's operations those on other things are few.
  return query.where((row) => row.or(nouns.map((noun) => row('kind', 'like', `${noun}.%`))));
}

export function toOperation(row: Omit<OperationRow, 'cloud_id' | 'run_after'>): Operation {
  return {
    id: row.id,
    kind: row.kind,
    folderId: row.folder_id,
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    zoneId: row.zone_id,
    description: row.description,
    idempotencyKey: row.idempotency_key,
    createdBy: row.created_by,
    createdAt: new Date(row.created_at),
    modifiedAt: new Date(row.modified_at),
    done: row.state === 'done',
    input: parseJson(row.input),
    progress: row.progress === null ? undefined : parseJson(row.progress),
    error: row.error === null ? undefined : readStoredError(row.error),
    result: row.result === null ? undefined : parseJson(row.result),
  };
}

export function toInput(row: OperationRow): OperationInput {
  return {
    id: row.id,
    kind: row.kind,
    folderId: row.folder_id,
    resourceId: row.resource_id,
    input: parseJson(row.input),
    checkpoint: row.checkpoint === null ? undefined : parseJson(row.checkpoint),
  };
}
