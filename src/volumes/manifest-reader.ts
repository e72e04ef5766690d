import { LruMap } from '../lib/lru-map.ts';
import type { ChunkId } from './chunk-id.ts';
import { findChunks } from './chunk-rows.ts';
import {
  decodeList,
  decodeRoot,
  decodeSegment,
  listSegments,
  type ManifestExtent,
  type ManifestRoot,
  type ManifestSegment,
} from './manifest.ts';
import { MissingChunks } from './manifest-rows.ts';
import { readChunks } from './read-chunks.ts';
import type { Store } from './store.ts';

/** Decoded segments kept: 1 GiB of guest space, at most 16 MiB of extents each and usually 100 KiB. */
const segmentsKept = 16;
const listsKept = 16;

/** A volume's manifest, read as far as it is needed. */
export class ManifestReader {
  readonly #store: Store;
  readonly #domainId: string;
  readonly #root: ManifestRoot;
  readonly #lists = new LruMap<number, Promise<ReadonlyMap<number, ManifestSegment>>>(listsKept);
  readonly #segments = new LruMap<number, Promise<readonly ManifestExtent[]>>(segmentsKept);

  private constructor(store: Store, domainId: string, root: ManifestRoot) {
    this.#store = store;
    this.#domainId = domainId;
    this.#root = root;
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

  #list(index: number): Promise<ReadonlyMap<number, ManifestSegment>> {
    return once(this.#lists, index, async () => {
      const child = this.#root.lists.find((list) => list.index === index);
      if (child === undefined) return new Map();
      const segments = decodeList(await readNode(this.#store, this.#domainId, child.id));
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
  const [place] = await findChunks(store.db.read, domainId, 'node', [id]);
  if (place === undefined) throw new MissingChunks('a node of the manifest is damaged or missing');
  const target = new SharedArrayBuffer(place.plainLength);
  const part = { chunkId: id, chunkOffset: 0, length: place.plainLength, targetOffset: 0 };
  await readChunks(store, domainId, 'node', [part], target);
  return new Uint8Array(target);
}
