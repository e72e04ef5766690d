import type { Queryable, Transaction } from '../db/database.ts';
import { type ChunkId, chunkKey } from './chunk-id.ts';
import { findChunks, findQuarantined, slices } from './chunk-rows.ts';
import { QuarantinedMeanwhile } from './quarantine.ts';

/**
 * A node and the packs without which it can't be read.
 *
 * A row that is there already is written once more: a collection may be about to delete it, with the node's edges, for
 * an older volume. To find it and do nothing would be no read to PostgreSQL, and so no conflict with that.
 */
export async function insertSegmentPacks(
  tx: Transaction,
  domainId: string,
  nodeId: ChunkId,
  packIds: Iterable<string>,
): Promise<void> {
  for (const some of slices([...packIds], 200)) {
    await tx
      .insertInto('segment_packs')
      .values(some.map((packId) => ({ domain_id: domainId, node_id: nodeId, pack_id: packId })))
      .onConflict((conflict) =>
        conflict
          .columns(['domain_id', 'node_id', 'pack_id'])
          .doUpdateSet((row) => ({ pack_id: row.ref('excluded.pack_id') })),
      )
      .execute();
  }
}

/** Bytes moved from packs to another: whoever needs an old one needs the new one too. */
export async function copySegmentPacks(
  tx: Transaction,
  domainId: string,
  from: readonly string[],
  to: string,
): Promise<void> {
  await tx
    .insertInto('segment_packs')
    .columns(['domain_id', 'node_id', 'pack_id'])
    .expression((eb) =>
      eb
        .selectFrom('segment_packs')
        .select((row) => ['domain_id', 'node_id', row.val(to).as('pack_id')])
        .where('domain_id', '=', domainId)
        .where('pack_id', 'in', from)
        .distinct(),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The nodes that need a pack, by their keys. */
export async function findNodesNeeding(db: Queryable, domainId: string, packId: string): Promise<Map<string, ChunkId>> {
  const needing = await findNodesNeedingAny(db, domainId, [packId]);
  return needing.get(packId) ?? new Map();
}

/** As findNodesNeeding, by pack; one that no node needs is left out. */
export async function findNodesNeedingAny(
  db: Queryable,
  domainId: string,
  packIds: readonly string[],
): Promise<Map<string, Map<string, ChunkId>>> {
  const rows = await db
    .selectFrom('segment_packs')
    .select(['pack_id', 'node_id'])
    .where('domain_id', '=', domainId)
    .where('pack_id', 'in', packIds)
    .execute();
  const nodes = new Map<string, Map<string, ChunkId>>();
  for (const { pack_id, node_id } of rows) {
    const ofPack = nodes.get(pack_id) ?? new Map();
    nodes.set(pack_id, ofPack.set(chunkKey(node_id), node_id));
  }
  return nodes;
}

/** The parent's needs are inserted in the same transaction: they are what holds off a collection. */
export async function insertEdges(
  tx: Transaction,
  domainId: string,
  parentId: ChunkId,
  childIds: readonly ChunkId[],
): Promise<void> {
  for (const some of slices(childIds, 200)) {
    await tx
      .insertInto('manifest_edges')
      .values(some.map((childId) => ({ domain_id: domainId, parent_id: parentId, child_id: childId })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Whether a node's children are known: its edges come and go together. */
export async function hasEdges(tx: Transaction, domainId: string, parentId: ChunkId): Promise<boolean> {
  const edges = tx.selectFrom('manifest_edges').select('child_id');
  const found = edges.where('domain_id', '=', domainId).where('parent_id', '=', parentId).limit(1);
  return (await found.executeTakeFirst()) !== undefined;
}

/**
 * The packs and the stored bytes of the winners of these chunks.
 *
 * @throws QuarantinedMeanwhile when one was found damaged since it was looked up; MissingChunks when the index lacks one
 */
export async function findWinners(
  db: Queryable,
  domainId: string,
  kind: 'chunk' | 'node',
  ids: readonly ChunkId[],
): Promise<{ packIds: Set<string>; storedBytes: number }> {
  const places = await findChunks(db, domainId, kind, ids);
  if (places.length !== ids.length) {
    const damaged = await findQuarantined(db, domainId, ids);
    if (damaged.length > 0) throw new QuarantinedMeanwhile([...new Set(damaged.map(({ packId }) => packId))]);
    throw new MissingChunks(
      `${ids.length - places.length} of ${ids.length} ${kind}s that a manifest names are not in the index`,
    );
  }
  return {
    packIds: new Set(places.map(({ packId }) => packId)),
    storedBytes: places.reduce((sum, { encodedLength }) => sum + encodedLength, 0),
  };
}

/** A manifest names chunks that the index does not have, or has in quarantine. */
export class MissingChunks extends Error {
  constructor(fact: string) {
    super(fact);
    this.name = 'MissingChunks';
  }
}
