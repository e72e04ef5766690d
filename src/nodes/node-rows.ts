import { type Selectable, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';
import type { NodesTable } from '../db/schema.ts';
import { believedMs, type Node } from './node.ts';
import { isRole, type Role } from './role.ts';

/** The node runs, since now, as this process, and cannot be attached to yet. */
export async function enterNode(
  tx: Transaction,
  { id, roles, startId }: { readonly id: string; readonly roles: readonly Role[]; readonly startId: string },
): Promise<void> {
  const now = databaseTime(tx);
  const facts = {
    ...{ roles: roles.join(','), nbd_url: '', started_at: now, seen_at: now, start_id: startId, is_removed: 0 },
  };
  await tx
    .insertInto('nodes')
    .values({ id, ...facts })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
    .execute();
}

/** Whether the node was given up for lost since it last ran. */
export async function wasRemoved(db: Queryable, id: string): Promise<boolean> {
  const row = await db.selectFrom('nodes').select('is_removed').where('id', '=', id).executeTakeFirst();
  return row?.is_removed === 1;
}

/** From now on devices can be attached at the node. */
export async function setNbdUrl(tx: Transaction, id: string, nbdUrl: string): Promise<void> {
  await tx.updateTable('nodes').set({ nbd_url: nbdUrl }).where('id', '=', id).execute();
}

/** Says that the node is there. False when it was removed, or is another process by now. */
export async function beatNode(
  tx: Transaction,
  { id, startId }: { readonly id: string; readonly startId: string },
): Promise<boolean> {
  const beaten = tx
    .updateTable('nodes')
    .set({ seen_at: databaseTime(tx) })
    .where('id', '=', id)
    .where('start_id', '=', startId)
    .where('is_removed', '=', 0)
    .returning('id');
  return (await beaten.executeTakeFirst()) !== undefined;
}

/** The node has stopped; it may come back. */
export async function leaveNode(tx: Transaction, id: string): Promise<void> {
  await tx.updateTable('nodes').set({ seen_at: 0 }).where('id', '=', id).execute();
}

/** Gives the node up for lost; that is remembered, for its data directory may come back. */
export async function markNodeRemoved(tx: Transaction, id: string): Promise<void> {
  const lost = { roles: '', nbd_url: '', started_at: 0, seen_at: 0, start_id: '', is_removed: 1 };
  await tx
    .insertInto('nodes')
    .values({ id, ...lost })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(lost))
    .execute();
}

export async function findNode(db: Queryable, id: string): Promise<Node | undefined> {
  const row = await selectNodes(db).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toNode(row);
}

/** All of them: there are as many as processes. */
export async function listNodeRows(db: Queryable): Promise<Node[]> {
  return (await selectNodes(db).orderBy('id').execute()).map(toNode);
}

/**
 * The node that the next device is to be attached at: of those that serve some and are there, as this one is, the one with
 * the fewest attachments. Undefined when there is none.
 */
export async function findLeastAttached(db: Queryable, ownNodeId: string): Promise<Node | undefined> {
  const row = await selectNodes(db)
    .where('nbd_url', '<>', '')
    .where((node) =>
      node.or([node('id', '=', ownNodeId), node('seen_at', '>', sql<number>`${databaseTime(db)} - ${believedMs}`)]),
    )
    .orderBy((order) =>
      order
        .selectFrom('attachments')
        .whereRef('attachments.node_id', '=', 'nodes.id')
        .select(order.fn.countAll().as('n')),
    )
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : toNode(row);
}

/** Forgets nodes that have not been there for so long, and that hold nothing: no disk, no attachment, no operation. */
export async function deleteGoneNodes(tx: Transaction, goneMs: number): Promise<void> {
  const namedBy = (table: 'disks' | 'attachments' | 'operations') =>
    sql<boolean>`exists (select 1 from ${sql.table(table)} as held where held.node_id = nodes.id)`;
  await tx
    .deleteFrom('nodes')
    .where('is_removed', '=', 0)
    .where('seen_at', '<', sql<number>`${databaseTime(tx)} - ${goneMs}`)
    .where(sql<boolean>`not ${namedBy('disks')} and not ${namedBy('attachments')} and not ${namedBy('operations')}`)
    .execute();
}

function selectNodes(db: Queryable) {
  return db
    .selectFrom('nodes')
    .where('is_removed', '=', 0)
    .selectAll('nodes')
    .select(sql<number | string>`${databaseTime(db)}`.as('now'));
}

function toNode(row: Selectable<NodesTable> & { readonly now: number | string }): Node {
  return {
    id: row.id,
    roles: row.roles.split(',').filter(isRole),
    nbdUrl: row.nbd_url,
    startedAt: new Date(row.started_at),
    seenAt: new Date(row.seen_at),
    isThere: Number(row.now) - row.seen_at < believedMs,
  };
}
