import type { Queryable } from '../db/database.ts';
import { LruMap } from '../lib/lru-map.ts';
import { type ChunkId, chunkKey } from './chunk-id.ts';
import { digestList, listLevels, type SparseDigest } from './guest-digest.ts';
import type { GuestReader, KeptBase } from './guest-reader.ts';
import { listSegments, segmentBytes } from './manifest.ts';
import { findWinners } from './manifest-rows.ts';
import { findDamage, type KnownDamage, QuarantinedMeanwhile } from './quarantine.ts';
import type { Store } from './store.ts';
import type { KeptSegment } from './stored-device.ts';
import { findVolume } from './volume-rows.ts';

/** A list of segments of the old volume that is one of the new volume's as it is. */
export interface KeptList {
  readonly index: number;
  readonly nodeId: ChunkId;
  /** Of its guest bytes (digestList); undefined for nothing but zeros. */
  readonly digest: Uint8Array | undefined;
}

/**
 * Digests of lists that were taken over, by the list's levels and id, which say all that a digest is made of: whose snapshots
 * follow each other takes over the same lists each time, and does not read them again, as it does not read what is in them:
 * damage that nobody has found yet is found by whoever reads, or by a scrub. Of lists of 16 GiB each, those of 64 TiB.
 */
const knownDigests = new LruMap<string, { readonly digest: SparseDigest }>(4096);

/**
 * Segments of a sealed volume, and whole lists of them, that are a new one's as they are, at a cost that does not depend on
 * what is in them: no chunk is looked up, no pack pinned and no row written. The old volume, which somebody holds, keeps
 * them until the new one is sealed, and from then on both do. That holds within one domain, and only while nothing of the
 * domain is in quarantine: else what was damaged would be taken over unseen.
 */
export class KeptSegments {
  readonly #store: Store;
  readonly #base: KeptBase;
  readonly #sizeBytes: number;
  readonly #taken = new Set<number>();
  readonly #lists = new Map<number, KeptList>();

  private constructor(store: Store, base: KeptBase, sizeBytes: number) {
    this.#store = store;
    this.#base = base;
    this.#sizeBytes = sizeBytes;
  }

  /** Undefined where segments can be taken over only chunk by chunk, or not at all. */
  static of(
    store: Store,
    domainId: string,
    { over: base, sizeBytes }: GuestReader,
    damage: KnownDamage,
  ): KeptSegments | undefined {
    if (base === undefined || base.device.volume.domainId !== domainId || damage.size > 0) return undefined;
    return new KeptSegments(store, base, sizeBytes);
  }

  /** Those that were taken, by index. */
  get lists(): ReadonlyMap<number, KeptList> {
    return this.#lists;
  }

  /** Whether the segment is in a list that was taken. */
  hasList(index: number): boolean {
    return this.#lists.has(Math.floor(index / listSegments));
  }

  /**
   * Takes over every list of which nothing was changed. Where an earlier run stored a segment itself, the list is left to be
   * put together of its segments: what that run keeps must become the new volume's.
   *
   * @param stored the segments that an earlier run stored, or a part of them
   */
  async takeLists(stored: Iterable<number>, signal: AbortSignal): Promise<void> {
    const begun = new Set(Iterator.from(stored).map((index) => Math.floor(index / listSegments)));
    const unchanged = new Set<number>();
    for (let index = 0; index * listSegments * segmentBytes < this.#base.device.sizeBytes; index += 1) {
      if (!begun.has(index) && !this.#base.isChanged(index * listSegments, listSegments)) unchanged.add(index);
    }
    const { listIds } = this.#base.device;
    const unknown = new Set<number>();
    for (const index of unchanged) {
      const id = listIds.get(index);
      const known = id && knownDigests.get(this.#digestKey(id));
      if (id === undefined) continue;
      if (known === undefined) unknown.add(index);
      else this.#lists.set(index, { index, nodeId: id, digest: known.digest });
    }
    for await (const { index, id, segments } of this.#base.device.keptLists(unknown)) {
      signal.throwIfAborted();
      const digest = digestList(this.#sizeBytes, new Map(segments.map((segment) => [segment.index, segment.digest])));
      knownDigests.set(this.#digestKey(id), { digest });
      this.#lists.set(index, { index, nodeId: id, digest });
    }
  }

  #digestKey(id: ChunkId): string {
    return `${listLevels(this.#sizeBytes)} ${chunkKey(id)}`;
  }

  /** The segment, which is the new volume's from now on; undefined for one that changed, or is a hole. */
  async take(index: number): Promise<KeptSegment | undefined> {
    if (this.#base.isChanged(index, 1)) return undefined;
    const segment = await this.#base.device.keptSegment(index);
    if (segment !== undefined) this.#taken.add(index);
    return segment;
  }

  /** Encoded bytes of what was taken: all of the old volume's, less those of what was not. */
  async storedBytes(): Promise<number> {
    const { device } = this.#base;
    const { domainId, storedBytes } = device.volume;
    if (this.#isEmpty()) return 0;
    let left = storedBytes;
    for (let index = 0; index * segmentBytes < device.sizeBytes; index += 1) {
      const isTaken = this.#taken.has(index) || this.hasList(index);
      const segment = isTaken ? undefined : await device.keptSegment(index);
      if (segment === undefined) continue;
      const chunks = new Map((await segment.extents()).map(({ chunkId }) => [chunkKey(chunkId), chunkId]));
      const ofChunks = await findWinners(this.#store.db.read, domainId, 'chunk', [...chunks.values()]);
      const ofNode = await findWinners(this.#store.db.read, domainId, 'node', [segment.nodeId]);
      left -= ofChunks.storedBytes + ofNode.storedBytes;
    }
    return left;
  }

  /**
   * For the transaction that seals the new volume: the old one is there, and nothing of the domain was found damaged since.
   *
   * @throws QuarantinedMeanwhile when something was; storing again then looks at each chunk
   */
  async assertKept(tx: Queryable): Promise<void> {
    if (this.#isEmpty()) return;
    const { id, domainId } = this.#base.device.volume;
    if ((await findVolume(tx, id)) === undefined) throw new Error(`volume ${id} was let go while it was stored over`);
    const damage = await findDamage(tx, domainId);
    if (damage.size > 0) throw new QuarantinedMeanwhile([`of domain ${domainId}`]);
  }

  #isEmpty(): boolean {
    return this.#taken.size === 0 && this.#lists.size === 0;
  }
}
