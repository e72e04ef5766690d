/** Blocks of a region: 64 MiB of the disk. */
export const regionBlocks = 16_384;

/** In a painted range: the block is not in the layer. */
export const absent = 0;
/** In a painted range: the block reads as zeros. No data has this place, for no file has slot 0. */
export const zeros = 1;

/**
 * With more blocks of data than these, a region is a table of all its blocks. Up to here entries are kept sorted: an
 * insertion moves 40 KiB on average at the most, some 2 µs.
 */
const denseFrom = 8_192;
const firstCapacity = 4;

/**
 * What an overlay's layer says of 64 MiB of the disk. Random blocks cost 10 bytes each and what is left free for growth;
 * a region that is mostly data costs 128 KiB whatever happens to it; zeros cost 2 KiB, once there are any.
 */
export class IndexRegion {
  /** Blocks that have data, in order; undefined once the region is a table. */
  #keys: Uint16Array | undefined = new Uint16Array(firstCapacity);
  #places = new Uint32Array(firstCapacity);
  #checksums = new Uint32Array(firstCapacity);
  /** Entries in use, while sorted. */
  #count = 0;
  /** A bit for each block that reads as zeros. */
  #zeros: Uint8Array | undefined;

  /** Bytes that it holds in memory, the objects themselves aside. */
  get memoryBytes(): number {
    const entries = this.#places.byteLength + this.#checksums.byteLength;
    return entries + (this.#keys?.byteLength ?? 0) + (this.#zeros?.byteLength ?? 0);
  }

  /** @returns the place that the block had until now, 0 for none */
  setData(block: number, place: number, checksum: number): number {
    this.#clearZero(block);
    const at = this.#keys === undefined ? block : this.#lowerBound(this.#keys, block);
    let old = absent;
    if (this.#keys === undefined || (at < this.#count && this.#keys[at] === block)) old = this.#places[at] ?? absent;
    else if (this.#count >= denseFrom) return this.#spread().setData(block, place, checksum);
    else this.#insert(at, block);
    this.#places[at] = place;
    this.#checksums[at] = checksum;
    return old;
  }

  /** @param onFreed is told of every place that the blocks had until now */
  setZero(start: number, count: number, onFreed: (place: number) => void): void {
    if (this.#keys === undefined) {
      for (let block = start; block < start + count; block += 1) {
        const place = this.#places[block] ?? absent;
        if (place !== absent) onFreed(place);
      }
      this.#places.fill(absent, start, start + count);
    } else {
      const from = this.#lowerBound(this.#keys, start);
      const to = this.#lowerBound(this.#keys, start + count);
      for (let at = from; at < to; at += 1) onFreed(this.#places[at] ?? absent);
      for (const column of [this.#keys, this.#places, this.#checksums]) column.copyWithin(from, to, this.#count);
      this.#count -= to - from;
    }
    this.#zeros ??= new Uint8Array(regionBlocks / 8);
    for (let block = start; block < start + count; ) {
      if (block % 8 === 0 && block + 8 <= start + count) {
        const whole = Math.floor((start + count - block) / 8);
        this.#zeros.fill(0xff, block / 8, block / 8 + whole);
        block += whole * 8;
      } else {
        this.#zeros[block >> 3] = (this.#zeros[block >> 3] ?? 0) | (1 << (block & 7));
        block += 1;
      }
    }
  }

  isZero(block: number): boolean {
    return this.#zeros !== undefined && ((this.#zeros[block >> 3] ?? 0) & (1 << (block & 7))) !== 0;
  }

  /** Puts what this layer knows of the blocks over what is there: `zeros` or the place, and the checksum of data. */
  paint(start: number, count: number, places: Uint32Array, checksums: Uint32Array | undefined, at: number): void {
    if (this.#zeros !== undefined) {
      for (let index = 0; index < count; index += 1) if (this.isZero(start + index)) places[at + index] = zeros;
    }
    if (this.#keys === undefined) {
      for (let index = 0; index < count; index += 1) {
        const place = this.#places[start + index] ?? absent;
        if (place === absent) continue;
        places[at + index] = place;
        if (checksums !== undefined) checksums[at + index] = this.#checksums[start + index] ?? 0;
      }
      return;
    }
    for (let entry = this.#lowerBound(this.#keys, start); entry < this.#count; entry += 1) {
      const index = (this.#keys[entry] ?? 0) - start;
      if (index >= count) return;
      places[at + index] = this.#places[entry] ?? absent;
      if (checksums !== undefined) checksums[at + index] = this.#checksums[entry] ?? 0;
    }
  }

  #clearZero(block: number): void {
    if (this.#zeros !== undefined) this.#zeros[block >> 3] = (this.#zeros[block >> 3] ?? 0) & ~(1 << (block & 7));
  }

  /** The first entry that is not before `block`. */
  #lowerBound(keys: Uint16Array, block: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((keys[middle] ?? 0) < block) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(at: number, block: number): void {
    if (this.#count === this.#places.length) this.#grow();
    for (const column of [this.#keys, this.#places, this.#checksums]) column?.copyWithin(at + 1, at, this.#count);
    if (this.#keys !== undefined) this.#keys[at] = block;
    this.#count += 1;
  }

  #grow(): void {
    const capacity = Math.min(denseFrom, Math.ceil(this.#count * 1.5));
    const keys = new Uint16Array(capacity);
    if (this.#keys !== undefined) keys.set(this.#keys);
    this.#keys = keys;
    this.#places = widened(this.#places, capacity);
    this.#checksums = widened(this.#checksums, capacity);
  }

  /** Makes a table of it. */
  #spread(): this {
    const places = new Uint32Array(regionBlocks);
    const checksums = new Uint32Array(regionBlocks);
    for (let entry = 0; entry < this.#count; entry += 1) {
      const block = this.#keys?.[entry] ?? 0;
      places[block] = this.#places[entry] ?? absent;
      checksums[block] = this.#checksums[entry] ?? 0;
    }
    this.#places = places;
    this.#checksums = checksums;
    this.#keys = undefined;
    return this;
  }
}

function widened(column: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(capacity);
  wider.set(column);
  return wider;
}
