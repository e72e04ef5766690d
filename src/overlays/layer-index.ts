import { absent, IndexRegion, regionBlocks, zeros } from './index-region.ts';

/** Who counts the blocks in use of each log file. */
export interface PlaceCounts {
  taken(place: number): void;
  freed(place: number): void;
}

/**
 * Where the blocks of one layer are: absent, zeros, or data at a place and with a CRC-32. In memory, a region of 64 MiB
 * at a time, and only for regions that the layer has anything of.
 */
export class LayerIndex {
  readonly #regions = new Map<number, IndexRegion>();
  readonly #counts: PlaceCounts;

  constructor(counts: PlaceCounts) {
    this.#counts = counts;
  }

  /** Adds up all regions: for a report, not for every call. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const region of this.#regions.values()) bytes += region.memoryBytes;
    return bytes;
  }

  /** Whether the layer may say anything of the region that the block is in. */
  hasRegionOf(block: number): boolean {
    return this.#regions.has(Math.floor(block / regionBlocks));
  }

  setData(block: number, place: number, checksum: number): void {
    const old = this.#region(block).setData(block % regionBlocks, place, checksum);
    if (old !== 0) this.#counts.freed(old);
    this.#counts.taken(place);
  }

  setZero(block: number, count: number): void {
    for (const part of partsByRegion(block, count)) {
      this.#region(part.block).setZero(part.block % regionBlocks, part.count, (place) => this.#counts.freed(place));
    }
  }

  /** Whether the layer says zeros of all of these blocks. */
  isZero(block: number, count: number): boolean {
    for (let index = 0; index < count; index += 1) {
      const region = this.#regions.get(Math.floor((block + index) / regionBlocks));
      if (region?.isZero((block + index) % regionBlocks) !== true) return false;
    }
    return true;
  }

  /** See `IndexRegion.paint`; the range may span regions. `places` begins with `block`. */
  paint(block: number, count: number, places: Uint32Array, checksums?: Uint32Array): void {
    for (const part of partsByRegion(block, count)) {
      const region = this.#regions.get(Math.floor(part.block / regionBlocks));
      region?.paint(part.block % regionBlocks, part.count, places, checksums, part.block - block);
    }
  }

  /**
   * Takes over what the layer below says of blocks that this one says nothing of, a region with each step: before and after
   * every one of them, both together say the same. In the end the one below says nothing.
   */
  *takeOver(below: LayerIndex): Iterable<void> {
    for (const [number, region] of below.#regions) {
      below.#regions.delete(number);
      const own = this.#regions.get(number);
      if (own === undefined) this.#regions.set(number, region);
      else this.#fill(own, region);
      yield;
    }
  }

  #fill(own: IndexRegion, below: IndexRegion): void {
    const places = new Uint32Array(regionBlocks);
    const checksums = new Uint32Array(regionBlocks);
    const ownPlaces = new Uint32Array(regionBlocks);
    below.paint(0, regionBlocks, places, checksums, 0);
    own.paint(0, regionBlocks, ownPlaces, undefined, 0);
    for (const [block, place] of places.entries()) {
      if (place === absent) continue;
      const isHidden = ownPlaces[block] !== absent;
      if (isHidden && place !== zeros) this.#counts.freed(place);
      if (isHidden) continue;
      if (place === zeros) own.setZero(block, 1, () => {});
      else own.setData(block, place, checksums[block] ?? 0); // counted already, where it comes from
    }
  }

  #region(block: number): IndexRegion {
    const number = Math.floor(block / regionBlocks);
    let region = this.#regions.get(number);
    if (region === undefined) {
      region = new IndexRegion();
      this.#regions.set(number, region);
    }
    return region;
  }
}

/** A range of blocks cut at the borders of regions. */
export function* partsByRegion(
  block: number,
  count: number,
): Iterable<{ readonly block: number; readonly count: number }> {
  for (let start = block; start < block + count; ) {
    const end = Math.min(block + count, (Math.floor(start / regionBlocks) + 1) * regionBlocks);
    yield { block: start, count: end - start };
    start = end;
  }
}
