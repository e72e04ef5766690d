import { ImageRefused } from '../../formats/image-refused.ts';
import type { FileRange } from '../../formats/plan-reads.ts';
import { tarBlockBytes } from './tar-header.ts';

/** A range of a sparse member's data, and where it stands behind the start of the member's stored bytes. */
export interface SparseRange extends FileRange {
  readonly storedAt: number;
}

/**
 * Where a sparse member has data. Ranges are added in order; they do not overlap, and lie within the member. 24 bytes of
 * memory for each.
 */
export class SparseMap {
  readonly sizeBytes: number;
  /** Of each range: offset, length, place among the stored bytes. */
  #ranges = new Float64Array(3 * 64);
  #count = 0;
  /** Of all that were added: empty ones are not kept, but cost the reading. */
  #added = 0;
  #storedBytes = 0;
  readonly #maxRanges: number;

  /** @param sizeBytes the member's length, holes included */
  constructor(sizeBytes: number, maxRanges: number) {
    this.sizeBytes = sizeBytes;
    this.#maxRanges = maxRanges;
  }

  /** Bytes that all ranges together take in the archive. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** @throws ImageRefused */
  add(offset: number, length: number): void {
    const last = this.#count === 0 ? undefined : this.#at(this.#count - 1);
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset + length > this.sizeBytes) {
      throw badMap(`it has ${length} bytes of data at ${offset}, and the member has ${this.sizeBytes}`);
    }
    if (last !== undefined && offset < last.offset + last.length) {
      throw badMap(`its range at ${offset} lies before the end of the one before it`);
    }
    if (++this.#added > this.#maxRanges) throw badMap(`it has more than ${this.#maxRanges} ranges`);
    if (length === 0) return;
    // GNU tar begins each range at a block, other readers do not: where that makes a difference, two programs disagree.
    if (this.#storedBytes % tarBlockBytes !== 0) {
      throw badMap(`its range before the one at ${offset} is not a whole number of blocks`);
    }
    if (this.#count * 3 === this.#ranges.length) {
      const larger = new Float64Array(this.#ranges.length * 2);
      larger.set(this.#ranges);
      this.#ranges = larger;
    }
    this.#ranges.set([offset, length, this.#storedBytes], this.#count * 3);
    this.#count += 1;
    this.#storedBytes += length;
  }

  /** The parts of ranges in `[offset, offset + length)`, in order. */
  *within(offset: number, length: number): Iterable<SparseRange> {
    const end = offset + length;
    for (let index = this.#firstEndingAfter(offset); index < this.#count; index++) {
      const range = this.#at(index);
      if (range.offset >= end) return;
      const from = Math.max(offset, range.offset);
      const to = Math.min(end, range.offset + range.length);
      yield { offset: from, length: to - from, storedAt: range.storedAt + (from - range.offset) };
    }
  }

  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = this.#at(middle);
      if (range.offset + range.length > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #at(index: number): SparseRange {
    const [offset = 0, length = 0, storedAt = 0] = this.#ranges.subarray(index * 3, index * 3 + 3);
    return { offset, length, storedAt };
  }
}

/** @param what the rest of a sentence */
export function badMap(what: string): ImageRefused {
  return new ImageRefused({
    check: 'tar.sparse-map',
    reason: `The tar archive is damaged: the map of a sparse member is not one: ${what}.`,
    remedy: 'Pack the disk anew: tar --sparse -cf disk.tar FILE',
  });
}
