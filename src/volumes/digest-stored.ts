import type { ChunkId } from './chunk-id.ts';
import { digestSegment, type SparseDigest } from './guest-digest.ts';
import { decodeSegment, ManifestBroken, type ManifestExtent, segmentBytes } from './manifest.ts';
import { readNode } from './manifest-reader.ts';
import { readChunks, type WantedPart } from './read-chunks.ts';
import type { Store } from './store.ts';

/** Guest bytes read back at a time; a whole number of leaves. */
const pieceBytes = 4 * 1024 * 1024;

/** The digest of a segment's guest bytes, from what is stored. */
export async function digestStoredSegment(store: Store, domainId: string, nodeId: ChunkId): Promise<Uint8Array> {
  const extents = decodeSegment(await readNode(store, domainId, nodeId));
  const leaves: SparseDigest[] = [];
  for (let offset = 0; offset < segmentBytes; offset += pieceBytes) {
    const plain = new SharedArrayBuffer(pieceBytes);
    const wanted = partsWithin(extents, offset);
    if (wanted.length > 0) await readChunks(store, domainId, 'chunk', wanted, plain);
    leaves.push(...(await store.threads.run('digest', { plain })));
  }
  const digest = digestSegment(leaves);
  if (digest === undefined) throw new ManifestBroken('a segment of zeros has a node');
  return digest;
}

function partsWithin(extents: readonly ManifestExtent[], start: number): WantedPart[] {
  return extents.flatMap(({ offset, length, chunkId, chunkOffset }) => {
    const from = Math.max(offset, start);
    const to = Math.min(offset + length, start + pieceBytes);
    if (to <= from) return [];
    return [{ chunkId, chunkOffset: chunkOffset + from - offset, length: to - from, targetOffset: from - start }];
  });
}
