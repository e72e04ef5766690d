import type { Queryable } from '../db/database.ts';
import { type ChunkId, chunkKey } from './chunk-id.ts';
import { slices } from './chunk-rows.ts';

/**
 * Who holds volumes that reach any of these nodes: the ids of images, or of volumes that nobody holds. Goes up the tree
 * a level at a time; there is no index for that, because only damage asks for it.
 */
export async function findVolumesOfNodes(
  db: Queryable,
  domainId: string,
  nodeIds: readonly ChunkId[],
): Promise<string[]> {
  const reached = new Map(nodeIds.map((id) => [chunkKey(id), id]));
  for (let level = [...reached.values()]; level.length > 0; ) {
    const above: ChunkId[] = [];
    for (const some of slices(level, 500)) {
      const rows = await db
        .selectFrom('manifest_edges')
        .select('parent_id')
        .distinct()
        .where('domain_id', '=', domainId)
        .where('child_id', 'in', some)
        .execute();
      for (const { parent_id } of rows) {
        if (!reached.has(chunkKey(parent_id))) above.push(parent_id);
        reached.set(chunkKey(parent_id), parent_id);
      }
    }
    level = above;
  }
  const holders = new Set<string>();
  for (const some of slices([...reached.values()], 500)) {
    const rows = await db
      .selectFrom('volumes')
      .leftJoin('volume_references', 'volume_references.volume_id', 'volumes.id')
      .select(['volumes.id', 'volume_references.holder_id'])
      .where('volumes.domain_id', '=', domainId)
      .where('volumes.root_id', 'in', some)
      .execute();
    for (const { id, holder_id } of rows) holders.add(holder_id ?? id);
  }
  return [...holders].sort();
}
