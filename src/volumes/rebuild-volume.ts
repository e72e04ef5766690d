import { type ChunkId, chunkKey } from './chunk-id.ts';
import { decodeList, decodeRoot, decodeSegment } from './manifest.ts';
import { readNode } from './manifest-reader.ts';
import { findWinners, insertEdges, insertSegmentPacks } from './manifest-rows.ts';
import { isUnreadable } from './pack-use.ts';
import type { Store } from './store.ts';

/** What a manifest says of its volume. */
export interface RebuiltManifest {
  readonly sizeBytes: number;
  readonly guestDigest: Uint8Array;
  readonly storedBytes: number;
  /** Why it can't be read whole; undefined when it can. */
  readonly lacks: string | undefined;
}

/**
 * Writes down again what the database keeps of a manifest: its edges, and the packs that its nodes need. Goes as far as
 * nodes can be read, so that what is left of a damaged volume is not collected.
 *
 * @throws what `isUnreadable` knows when the root itself can't be read
 */
export async function rebuildManifest(store: Store, domainId: string, rootId: ChunkId): Promise<RebuiltManifest> {
  const root = decodeRoot(await readNode(store, domainId, rootId));
  const missing: string[] = [];
  let storedBytes = 0;

  const keep = async (nodeId: ChunkId, children: readonly ChunkId[], chunkIds: readonly ChunkId[]): Promise<void> => {
    const bytes = await store.db.transact(async (tx) => {
      await insertEdges(tx, domainId, nodeId, children);
      const node = await findWinners(tx, domainId, 'node', [nodeId]);
      await insertSegmentPacks(tx, domainId, nodeId, node.packIds);
      if (chunkIds.length === 0) return 0;
      const chunks = await findWinners(tx, domainId, 'chunk', chunkIds);
      await insertSegmentPacks(tx, domainId, nodeId, chunks.packIds);
      return node.storedBytes + chunks.storedBytes;
    });
    storedBytes += bytes;
  };
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      missing.push(error.message);
    }
  };

  const lists = root.lists.map(({ id }) => id);
  await keep(rootId, lists, []);
  for (const listId of lists) {
    await attempt(async () => {
      const segments = decodeList(await readNode(store, domainId, listId)).map(({ id }) => id);
      await keep(listId, segments, []);
      for (const segmentId of segments) {
        await attempt(async () => {
          const extents = decodeSegment(await readNode(store, domainId, segmentId));
          const chunkIds = [...new Map(extents.map(({ chunkId }) => [chunkKey(chunkId), chunkId])).values()];
          await keep(segmentId, [], chunkIds);
        });
      }
    });
  }
  const { sizeBytes, guestDigest } = root;
  return { sizeBytes, guestDigest, storedBytes, lacks: missing[0] };
}
