import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { sectorBytes } from '../guest-size.ts';
import { coalesce } from '../plan-reads.ts';
import { readRanges } from '../read-ranges.ts';

/** Bitmaps kept: those of 4 GiB of guest with blocks of 2 MiB; and no more than a call needs with the smallest blocks. */
const cache = { bytes: 1024 * 1024, bitmaps: 16_384 };

/** Blocks of 4 KiB stand so close that one read across their data is cheaper than a request for each bitmap. */
const merging = { maxGapBytes: 64 * 1024, maxReadBytes: 4 * 1024 * 1024 };

/** How many bytes of a block's bitmap say something: a bit for each sector. */
function usedBytes(blockBytes: number): number {
  return Math.ceil(blockBytes / sectorBytes / 8);
}

/** Length of the bitmap in front of each block's data: whole sectors. */
export function bitmapLength(blockBytes: number): number {
  return Math.ceil(usedBytes(blockBytes) / sectorBytes) * sectorBytes;
}

/** Where a block is kept: its index in the disk, and its offset in the file, where its bitmap begins. */
export interface KeptBlock {
  readonly index: number;
  readonly fileOffset: number;
}

/**
 * The bitmaps in front of the blocks: a bit for each sector, the first the highest of the first byte. Read when needed,
 * many at a time, and the last used kept.
 */
export class SectorBitmaps {
  readonly #source: ByteSource;
  readonly #length: number;
  readonly #capacity: number;
  /** By block index, the least lately used first. */
  readonly #cache = new Map<number, Uint8Array>();

  constructor(source: ByteSource, blockBytes: number) {
    this.#source = source;
    this.#length = usedBytes(blockBytes);
    this.#capacity = Math.min(cache.bitmaps, Math.floor(cache.bytes / this.#length));
  }

  /** The bitmaps of these blocks, by index. The caller has checked that they lie within the file. */
  async load(blocks: readonly KeptBlock[], options?: ReadOptions): Promise<ReadonlyMap<number, Uint8Array>> {
    const bitmaps = new Map<number, Uint8Array>();
    const missing: { index: number; offset: number; length: number }[] = [];
    for (const { index, fileOffset } of blocks) {
      const cached = this.#cache.get(index);
      if (cached !== undefined) bitmaps.set(index, this.#keep(index, cached));
      else missing.push({ index, offset: fileOffset, length: this.#length });
    }
    await readRanges(
      this.#source,
      coalesce(missing, merging),
      (range, bytes) => {
        for (const { index, offset } of range.pieces) {
          const at = offset - range.offset;
          // A copy, so that the cache does not hold on to what stood between the bitmaps.
          bitmaps.set(index, this.#keep(index, new Uint8Array(bytes.subarray(at, at + this.#length))));
        }
      },
      options,
    );
    return bitmaps;
  }

  #keep(index: number, bitmap: Uint8Array): Uint8Array {
    this.#cache.delete(index);
    this.#cache.set(index, bitmap);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= this.#capacity) break;
      this.#cache.delete(oldest);
    }
    return bitmap;
  }
}

/** Calls `use` for each run of set bits, with the first sector and the one behind the last, in order. */
export function eachWrittenRun(bitmap: Uint8Array, sectors: number, use: (first: number, end: number) => void): void {
  let first = -1;
  const step = (sector: number, isWritten: boolean) => {
    if (isWritten && first === -1) first = sector;
    if (!isWritten && first !== -1) {
      use(first, sector);
      first = -1;
    }
  };
  for (let sector = 0; sector < sectors; sector += 8) {
    const byte = bitmap[sector / 8] ?? 0;
    // Nearly every byte is one of these two.
    if (byte === 0 || byte === 0xff) step(sector, byte === 0xff);
    else for (let bit = 0; bit < 8; bit++) step(sector + bit, ((byte << bit) & 0x80) !== 0);
  }
  if (first !== -1) use(first, sectors);
}
