import { LruMap } from '../lib/lru-map.ts';
import { type ChunkId, chunkKey } from './chunk-id.ts';
import { findChunks, slices } from './chunk-rows.ts';
import {
  decodeList,
  decodeRoot,
  decodeSegment,
  listSegments,
  type ManifestExtent,
  type ManifestList,
  type ManifestRoot,
  type ManifestSegment,
} from './manifest.ts';
import { MissingChunks } from './manifest-rows.ts';
import { readChunks, type WantedPart } from './read-chunks.ts';
import type { Store } from './store.ts';

/** Decoded segments kept: 1 GiB of guest space, at most 16 MiB of extents each and usually 100 KiB. */
const segmentsKept = 16;
const listsKept = 16;

/** Lists read at a time; to decode and to digest one takes a millisecond of the main thread. */
const listsAtOnce = 4;

/** A volume's manifest, read as far as it is needed. */
export class ManifestReader {
  /** By index; what has none is a hole. */
  readonly listIds: ReadonlyMap<number, ChunkId>;
  readonly #store: Store;
  readonly #domainId: string;
  readonly #root: ManifestRoot;
  readonly #lists = new LruMap<number, Promise<ReadonlyMap<number, ManifestSegment>>>(listsKept);
  readonly #segments = new LruMap<number, Promise<readonly ManifestExtent[]>>(segmentsKept);

  private constructor(store: Store, domainId: string, root: ManifestRoot) {
    this.#store = store;
    this.#domainId = domainId;
    this.#root = root;
    this.listIds = new Map(root.lists.map(({ index, id }) => [index, id]));
  }

  static async open(store: Store, domainId: string, rootId: ChunkId): Promise<ManifestReader> {
    return new ManifestReader(store, domainId, decodeRoot(await readNode(store, domainId, rootId)));
  }

  get sizeBytes(): number {
    return this.#root.sizeBytes;
  }

  /** The extents of a segment; none for one that is a hole. */
  segment(index: number): Promise<readonly ManifestExtent[]> {
    return once(this.#segments, index, async () => {
      const entry = await this.segmentEntry(index);
      return entry === undefined ? [] : decodeSegment(await readNode(this.#store, this.#domainId, entry.id));
    });
  }

  /** A segment's node and digest; undefined for one that is a hole. The index is the one in its list. */
  async segmentEntry(index: number): Promise<ManifestSegment | undefined> {
    const list = await this.#list(Math.floor(index / listSegments));
    return list.get(index % listSegments);
  }

  /** Those of the lists that are no holes, in order. Many are read at a time, and not kept. */
  async *lists(indexes: ReadonlySet<number>): AsyncIterable<ManifestList> {
    const wanted = this.#root.lists.filter(({ index }) => indexes.has(index));
    for (const some of slices(wanted, listsAtOnce)) {
      const ids = some.map(({ id }) => id);
      const nodes = await readNodes(this.#store, this.#domainId, ids);
      for (const [at, list] of some.entries()) {
        const bytes = nodes[at];
        if (bytes !== undefined) yield { ...list, segments: decodeList(bytes) };
      }
    }
  }

  #list(index: number): Promise<ReadonlyMap<number, ManifestSegment>> {
    return once(this.#lists, index, async () => {
      const id = this.listIds.get(index);
      if (id === undefined) return new Map();
      const segments = decodeList(await readNode(this.#store, this.#domainId, id));
      return new Map(segments.map((segment) => [segment.index, segment]));
    });
  }
}

/** Many may ask for the same thing at once: it is read once, and a failure is not remembered. */
function once<Value>(cache: LruMap<number, Promise<Value>>, key: number, read: () => Promise<Value>): Promise<Value> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const reading = read();
  cache.set(key, reading);
  reading.catch(() => cache.delete(key));
  return reading;
}

/** The bytes of a manifest node, checked against its id. */
export async function readNode(store: Store, domainId: string, id: ChunkId): Promise<Uint8Array> {
  const [bytes] = await readNodes(store, domainId, [id]);
  if (bytes === undefined) throw new RangeError('a node for each id');
  return bytes;
}

/** The bytes of manifest nodes, in the order of their ids, each checked against its own. Of equal ids they are the same. */
async function readNodes(store: Store, domainId: string, ids: readonly ChunkId[]): Promise<Uint8Array[]> {
  const places = await findChunks(store.db.read, domainId, 'node', ids);
  let length = 0;
  const parts = new Map<string, WantedPart>();
  for (const { id, plainLength } of places) {
    parts.set(chunkKey(id), { chunkId: id, chunkOffset: 0, length: plainLength, targetOffset: length });
    length += plainLength;
  }
  const target = new SharedArrayBuffer(length);
  const ofIds = ids.map((id) => {
    const part = parts.get(chunkKey(id));
    if (part === undefined) throw new MissingChunks('a node of the manifest is damaged or missing');
    return new Uint8Array(target, part.targetOffset, part.length);
  });
  await readChunks(store, domainId, 'node', [...parts.values()], target);
  return ofIds;
}
