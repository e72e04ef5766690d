import { type Selectable, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';
import type { NodesTable } from '../db/schema.ts';
import { believedMs, type Node } from './node.ts';
import { isRole, type Role } from './role.ts';

/** The node runs, since now, and cannot be attached to yet. Says whether it was known. */
export async function enterNode(
  tx: Transaction,
  { id, roles }: { readonly id: string; readonly roles: readonly Role[] },
): Promise<boolean> {
  const now = databaseTime(tx);
  const facts = { roles: roles.join(','), nbd_url: '', started_at: now, seen_at: now };
  const known = await tx.updateTable('nodes').set(facts).where('id', '=', id).returning('id').executeTakeFirst();
  if (known === undefined)
    await tx
      .insertInto('nodes')
      .values({ id, ...facts })
      .execute();
  return known !== undefined;
}

/** From now on devices can be attached at the node. */
export async function setNbdUrl(tx: Transaction, id: string, nbdUrl: string): Promise<void> {
  await tx.updateTable('nodes').set({ nbd_url: nbdUrl }).where('id', '=', id).execute();
}

/** Says that the node is there. False when it was removed. */
export async function beatNode(tx: Transaction, id: string): Promise<boolean> {
  const beaten = tx
    .updateTable('nodes')
    .set({ seen_at: databaseTime(tx) })
    .where('id', '=', id)
    .returning('id');
  return (await beaten.executeTakeFirst()) !== undefined;
}

/** The node has stopped; it may come back. */
export async function leaveNode(tx: Transaction, id: string): Promise<void> {
  await tx.updateTable('nodes').set({ seen_at: 0 }).where('id', '=', id).execute();
}

export async function deleteNode(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('nodes').where('id', '=', id).execute();
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

/** Forgets nodes without disks that have not been there for so long: they hold nothing. */
export async function deleteGoneNodes(tx: Transaction, goneMs: number): Promise<void> {
  await tx
    .deleteFrom('nodes')
    .where('nbd_url', '=', '')
    .where('seen_at', '<', sql<number>`${databaseTime(tx)} - ${goneMs}`)
    .execute();
}

function selectNodes(db: Queryable) {
  return db
    .selectFrom('nodes')
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
