import type { FileRange } from '../formats/plan-reads.ts';

const granuleBytes = 1024 * 1024;

/**
 * Which MiBs of a file hold anything but zeros, one bit for each: 512 KiB of memory for 4 TiB.
 */
export class DataMap {
  #bits: Uint8Array;

  constructor(bits: Uint8Array = new Uint8Array(1024)) {
    this.#bits = bits;
  }

  /** Bytes were written there. */
  add(offset: number, length: number): void {
    const last = Math.floor((offset + length - 1) / granuleBytes);
    while (last >= this.#bits.length * 8) {
      const larger = new Uint8Array(this.#bits.length * 2);
      larger.set(this.#bits);
      this.#bits = larger;
    }
    for (let granule = Math.floor(offset / granuleBytes); granule <= last; granule++) {
      this.#bits[granule >>> 3] = (this.#bits[granule >>> 3] ?? 0) | (1 << (granule & 7));
    }
  }

  /** The ranges of `[offset, offset + length)` that may hold anything but zeros, in order; neighbours are one. */
  *within(offset: number, length: number): Iterable<FileRange> {
    const end = offset + length;
    let start: number | undefined;
    for (let granule = Math.floor(offset / granuleBytes); granule * granuleBytes < end; granule++) {
      const held = ((this.#bits[granule >>> 3] ?? 0) & (1 << (granule & 7))) !== 0;
      const at = Math.max(offset, granule * granuleBytes);
      if (held) start ??= at;
      else if (start !== undefined) {
        yield { offset: start, length: at - start };
        start = undefined;
      }
    }
    if (start !== undefined) yield { offset: start, length: end - start };
  }

  /** The map as text, for a record; `parse` reads it. */
  toString(): string {
    const used = this.#bits.findLastIndex((byte) => byte !== 0) + 1;
    return Buffer.from(this.#bits.subarray(0, used)).toString('base64');
  }

  static parse(text: string): DataMap {
    return new DataMap(Uint8Array.from(Buffer.from(text, 'base64')));
  }
}
