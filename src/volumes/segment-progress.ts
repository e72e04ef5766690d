import { type ChunkId, chunkKey } from './chunk-id.ts';
import type { ManifestExtent } from './manifest.ts';

/** How far a segment is written, at one moment; it never changes. */
export interface SegmentProgress {
  readonly index: number;
  /** Guest bytes from the segment's start that are written; the border of a chunk, or within zeros. */
  readonly doneBytes: number;
  /** What they are made of. */
  readonly extents: readonly ManifestExtent[];
  /** The segment's node, once all of it is written and not one hole. */
  readonly nodeId: ChunkId | undefined;
  /** The digest of its guest bytes, once it has a node; undefined when not all of them passed in this run. */
  readonly digest: Uint8Array | undefined;
}

/** Every chunk that the segment names, once. */
export function chunkIdsOf({ extents }: SegmentProgress): ChunkId[] {
  return [...new Map(extents.map(({ chunkId }) => [chunkKey(chunkId), chunkId])).values()];
}
