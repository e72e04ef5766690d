import type { Queryable } from '../db/database.ts';
import { chunkKey } from './chunk-id.ts';
import type { KeptBase } from './guest-reader.ts';
import { segmentBytes } from './manifest.ts';
import { findWinners } from './manifest-rows.ts';
import { findDamage, type KnownDamage, QuarantinedMeanwhile } from './quarantine.ts';
import type { Store } from './store.ts';
import type { KeptSegment } from './stored-device.ts';
import { findVolume } from './volume-rows.ts';

/**
 * Segments of a sealed volume that are a new one's as they are, at a cost that does not depend on what is in them: no chunk
 * is looked up and no pack pinned. The old volume, which somebody holds, keeps them until the new one is sealed, and from
 * then on both do. That holds within one domain, and only while nothing of the domain is in quarantine: else what was
 * damaged would be taken over unseen.
 */
export class KeptSegments {
  readonly #store: Store;
  readonly #base: KeptBase;
  readonly #taken = new Set<number>();

  private constructor(store: Store, base: KeptBase) {
    this.#store = store;
    this.#base = base;
  }

  /** Undefined where segments can be taken over only chunk by chunk, or not at all. */
  static of(store: Store, domainId: string, base: KeptBase | undefined, damage: KnownDamage): KeptSegments | undefined {
    if (base === undefined || base.device.volume.domainId !== domainId || damage.size > 0) return undefined;
    return new KeptSegments(store, base);
  }

  /** The segment, which is the new volume's from now on; undefined for one that changed, or is a hole. */
  async take(index: number): Promise<KeptSegment | undefined> {
    if (this.#base.isChanged(index)) return undefined;
    const segment = await this.#base.device.keptSegment(index);
    if (segment !== undefined) this.#taken.add(index);
    return segment;
  }

  /** Encoded bytes of what was taken: all of the old volume's, less those of what was not. */
  async storedBytes(): Promise<number> {
    const { device } = this.#base;
    const { domainId, storedBytes } = device.volume;
    if (this.#taken.size === 0) return 0;
    let left = storedBytes;
    for (let index = 0; index * segmentBytes < device.sizeBytes; index += 1) {
      const segment = this.#taken.has(index) ? undefined : await device.keptSegment(index);
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
    if (this.#taken.size === 0) return;
    const { id, domainId } = this.#base.device.volume;
    if ((await findVolume(tx, id)) === undefined) throw new Error(`volume ${id} was let go while it was stored over`);
    const damage = await findDamage(tx, domainId);
    if (damage.size > 0) throw new QuarantinedMeanwhile([`of domain ${domainId}`]);
  }
}
