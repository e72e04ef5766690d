import { type Expression, type SelectQueryBuilder, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { slices } from './chunk-rows.ts';
import type { Store } from './store.ts';

/**
 * Nodes of manifests that may have lost what held them. Who takes a hold away says so, in the same transaction: the root of a
 * volume that goes, the segments of an import that ends without one. A collection looks at these alone, top down, so what it
 * costs is what goes and not what is kept.
 *
 * A node is held by a volume that has it for its root, by a node above it, and by an import that has it in its checkpoint.
 */
interface Node {
  readonly domain_id: string;
  readonly node_id: Uint8Array;
}

/** Nodes looked at in one transaction: a list has up to a thousand segments below it. */
const nodesAtOnce = 64;

/** Says that these may be held by nothing. May be repeated. */
export async function loosenNodes(
  tx: Transaction,
  // biome-ignore lint/suspicious/noExplicitAny: whatever tables the query is over
  nodes: SelectQueryBuilder<any, any, Node> & Expression<Node>,
): Promise<void> {
  await tx
    .insertInto('loose_nodes')
    .columns(['domain_id', 'node_id'])
    .expression(nodes)
    // Written once more: a collection may be about to delete the row, having seen that the node is held still.
    .onConflict((conflict) =>
      conflict.columns(['domain_id', 'node_id']).doUpdateSet((row) => ({ node_id: row.ref('excluded.node_id') })),
    )
    .execute();
}

/** Forgets the needs and the children of every loose node that nothing holds. Returns how many there were. */
export async function dropLooseNodes({ db }: Pick<Store, 'db'>, signal?: AbortSignal): Promise<number> {
  let dropped = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { looked, dropped: some } = await db.transact(dropSome);
    dropped += some;
    if (looked === 0) return dropped;
  }
}

async function dropSome(tx: Transaction): Promise<{ readonly looked: number; readonly dropped: number }> {
  const loose = await tx
    .selectFrom('loose_nodes')
    .selectAll()
    .orderBy('domain_id')
    .orderBy('node_id')
    .limit(nodesAtOnce)
    .execute();
  let dropped = 0;
  for (const [domainId, nodes] of Map.groupBy(loose, ({ domain_id }) => domain_id)) {
    const ids = nodes.map(({ node_id }) => node_id);
    const unheld = await findUnheld(tx, domainId, ids);
    await tx.deleteFrom('loose_nodes').where('domain_id', '=', domainId).where('node_id', 'in', ids).execute();
    if (unheld.length > 0) await drop(tx, domainId, unheld);
    dropped += unheld.length;
  }
  return { looked: loose.length, dropped };
}

async function findUnheld(tx: Transaction, domainId: string, ids: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const rows = await tx
    .selectFrom('loose_nodes as loose')
    .select('loose.node_id')
    .where('loose.domain_id', '=', domainId)
    .where('loose.node_id', 'in', ids)
    .where(sql<boolean>`not exists (
      select 1 from volumes v where v.domain_id = loose.domain_id and v.root_id = loose.node_id
    )`)
    .where(sql<boolean>`not exists (
      select 1 from manifest_edges e where e.domain_id = loose.domain_id and e.child_id = loose.node_id
    )`)
    .where(sql<boolean>`not exists (select 1 from import_segments i where i.node_id = loose.node_id)`)
    .execute();
  return rows.map(({ node_id }) => node_id);
}

async function drop(tx: Transaction, domainId: string, ids: readonly Uint8Array[]): Promise<void> {
  const below = tx
    .selectFrom('manifest_edges')
    .select(['domain_id', 'child_id as node_id'])
    .where('domain_id', '=', domainId)
    .where('parent_id', 'in', ids)
    .distinct();
  await loosenNodes(tx, below);
  // What is still needed of these packs is to be measured again.
  await tx
    .updateTable('packs')
    .set({ live_bytes: null })
    .where('live_bytes', 'is not', null)
    .where('id', 'in', (needs) =>
      needs.selectFrom('segment_packs').select('pack_id').where('domain_id', '=', domainId).where('node_id', 'in', ids),
    )
    .execute();
  await tx.deleteFrom('segment_packs').where('domain_id', '=', domainId).where('node_id', 'in', ids).execute();
  await tx.deleteFrom('manifest_edges').where('domain_id', '=', domainId).where('parent_id', 'in', ids).execute();
}

/**
 * Looks at every manifest there is for nodes that nothing holds and nobody loosened: none, but for what versions before this
 * one left, or a metadata backup, or a rebuild. Reads only, until it finds some.
 */
export async function loosenLostNodes({ db }: Pick<Store, 'db'>): Promise<number> {
  const lost = await findLostNodes(db.scan);
  for (const some of slices(lost, 200)) {
    await db.transact(async (tx) => {
      await tx
        .insertInto('loose_nodes')
        .values(some.map(({ domain_id, node_id }) => ({ domain_id, node_id })))
        .onConflict((conflict) => conflict.columns(['domain_id', 'node_id']).doNothing())
        .execute();
    });
  }
  return lost.length;
}

async function findLostNodes(db: Queryable): Promise<readonly Node[]> {
  const { rows } = await sql<Node>`
    with recursive reached (domain_id, id) as (
      select domain_id, root_id from volumes
      union
      select e.domain_id, e.child_id from manifest_edges e
        join reached r on e.domain_id = r.domain_id and e.parent_id = r.id
    )
    select distinct domain_id, node_id from segment_packs
    where not exists (select 1 from reached r where r.domain_id = segment_packs.domain_id and r.id = node_id)
      and not exists (select 1 from import_segments i where i.node_id = segment_packs.node_id)
  `.execute(db);
  return rows;
}
