import { BlobFailed } from '../blobs/blob-failed.ts';
import { type ChunkId, chunkKey } from './chunk-id.ts';
import { findEntriesOfPack, type IndexedEntry } from './chunk-rows.ts';
import { decodeSegment, ManifestBroken, nodeKindOf } from './manifest.ts';
import { readNode } from './manifest-reader.ts';
import { findNodesNeeding, MissingChunks } from './manifest-rows.ts';
import { packEntryBytes, packHeaderBytes, packTrailerBytes } from './pack-format.ts';
import { ChunkCorrupt } from './quarantine.ts';
import type { Store } from './store.ts';

/** What is needed of a pack, and by whom. */
export interface PackUse {
  readonly packId: string;
  /** Every node that needs the pack: keys of their ids. */
  readonly nodes: ReadonlySet<string>;
  /** The entries that those nodes are or name; undefined when a node can't be read, and so it can't be known. */
  readonly live: readonly IndexedEntry[] | undefined;
}

/**
 * Finds what is needed of packs of one domain: the union over all nodes that need them, of volumes and of imports under
 * way. What an import has in a segment without a node yet is not found: its packs are pinned, and who means to take
 * anything from a pack checks its pins.
 */
export async function findPackUses(store: Store, domainId: string, packIds: readonly string[]): Promise<PackUse[]> {
  const packs = [];
  for (const packId of packIds) {
    const nodes = await findNodesNeeding(store.db.read, domainId, packId);
    packs.push({ packId, nodes, entries: await findEntriesOfPack(store.db.read, packId) });
  }
  const indexed = new Set(packs.flatMap(({ entries }) => entries.map(({ kind, id }) => entryKey(kind, id))));
  const live = new Set<string>();
  const unreadable = new Set<string>();
  for (const [key, id] of new Map(packs.flatMap(({ nodes }) => [...nodes]))) {
    live.add(entryKey('node', id));
    const named = await findNamedChunks(store, domainId, id);
    if (named === undefined) unreadable.add(key);
    for (const chunkId of named ?? []) {
      const chunk = entryKey('chunk', chunkId);
      if (indexed.has(chunk)) live.add(chunk);
    }
  }
  return packs.map(({ packId, nodes, entries }) => {
    const known = new Set(nodes.keys());
    const isKnown = known.isDisjointFrom(unreadable);
    return {
      packId,
      nodes: known,
      live: isKnown ? entries.filter(({ kind, id }) => live.has(entryKey(kind, id))) : undefined,
    };
  });
}

/** The size of a pack that has these entries and no others. */
export function packSizeOf(entries: readonly IndexedEntry[]): number {
  const empty = packHeaderBytes + packTrailerBytes;
  return entries.reduce((sum, { encodedLength }) => sum + encodedLength + packEntryBytes, empty);
}

export function entryKey(kind: IndexedEntry['kind'], id: ChunkId): string {
  return `${kind} ${chunkKey(id)}`;
}

/** The chunks that a node names; none for one above the segments, undefined for one that can't be read. */
async function findNamedChunks(store: Store, domainId: string, nodeId: ChunkId): Promise<ChunkId[] | undefined> {
  try {
    const bytes = await readNode(store, domainId, nodeId);
    return nodeKindOf(bytes) === 'segment' ? decodeSegment(bytes).map(({ chunkId }) => chunkId) : [];
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** What it means that stored bytes are damaged or gone, rather than that we failed. */
export function isUnreadable(error: unknown): error is ChunkCorrupt | MissingChunks | ManifestBroken | BlobFailed {
  if (error instanceof BlobFailed) return error.failure === 'missing' || error.failure === 'short';
  return error instanceof ChunkCorrupt || error instanceof MissingChunks || error instanceof ManifestBroken;
}
