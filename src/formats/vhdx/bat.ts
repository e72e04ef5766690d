import { setImmediate } from 'node:timers/promises';
import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { ImageRefused } from '../image-refused.ts';
import { readTablePieces } from '../table-pieces.ts';
import type { ClaimedSpace } from './claimed-space.ts';

/*
 * Source: [MS-VHDX], 2.5. The block allocation table: an entry of 8 bytes for each block of the disk. Behind the entries
 * of each chunk (2^23 sectors) stands one more, of its sector bitmap, which only differencing disks have.
 *
 *   bits  0-2   state: 0 not present, 1 undefined, 2 zero, 3 unmapped, 6 fully present, 7 partially present
 *   bits  3-19  reserved, 0
 *   bits 20-63  offset of the block in the file, in MiB; means nothing but in states 6 and 7
 *
 * Sector bitmap entries are not looked at: QEMU before 8.0.1 leaves anything in them (its issue 727).
 */
const entryBytes = 8;
const mib = 1024 * 1024;

const states = { notPresent: 0, undefined: 1, zero: 2, unmapped: 3, fullyPresent: 6, partiallyPresent: 7 } as const;
const reservedBits = 0xffff8;

const chunkSectors = 2 ** 23;

/** What the sizes of a disk say of its table. */
export interface BatShape {
  readonly guestBytes: number;
  readonly blockBytes: number;
  readonly blocks: number;
  /** Blocks between two sector bitmap entries. */
  readonly blocksPerChunk: number;
  /** Entries of both kinds that the table must have. */
  readonly entries: number;
}

export function batShapeOf(disk: { guestBytes: number; blockBytes: number; logicalSectorBytes: number }): BatShape {
  const { guestBytes, blockBytes } = disk;
  const blocks = Math.ceil(guestBytes / blockBytes);
  const blocksPerChunk = (chunkSectors * disk.logicalSectorBytes) / blockBytes;
  const bitmaps = Math.floor((blocks - 1) / blocksPerChunk);
  return { guestBytes, blockBytes, blocks, blocksPerChunk, entries: blocks + bitmaps };
}

/** Where a block is: `present` at an offset in the file, or nowhere. */
export type Block =
  | { readonly kind: 'hole' }
  | { readonly kind: 'zero' }
  | { readonly kind: 'present'; readonly fileOffset: number };

const hole: Block = { kind: 'hole' };
const zero: Block = { kind: 'zero' };

/** Stands for zeros in place of an offset in MiB: it is beyond any file. Nor is 0 any block's, where the headers are. */
const zeroPlace = 0xffffffff;

/** The blocks of a disk, every one of them checked: 4 bytes each, 16 MiB for the largest disk there can be. */
export class BlockTable {
  /** For each block its offset in MiB; 0: a hole; `zeroPlace`: zeros. */
  readonly #places: Uint32Array;

  constructor(places: Uint32Array) {
    this.#places = places;
  }

  block(index: number): Block {
    const place = this.#places[index] ?? 0;
    if (place === 0) return hole;
    return place === zeroPlace ? zero : { kind: 'present', fileOffset: place * mib };
  }
}

/**
 * Reads the whole table and checks every block: its state, that it lies within the file as far as the disk reaches, and
 * that its place is nobody else's.
 *
 * Blocks that are not present, undefined or unmapped read as zeros and are holes: what was there before may be another
 * one's.
 *
 * @throws ImageRefused
 */
export async function readBlockTable(
  source: ByteSource,
  offset: number,
  shape: BatShape,
  claimed: ClaimedSpace,
  options?: ReadOptions,
): Promise<BlockTable> {
  const places = new Uint32Array(shape.blocks);
  const span = shape.blocksPerChunk + 1;
  const table = { offset, entries: shape.entries, entryBytes };
  for await (const { first, count, view } of readTablePieces(source, table, options)) {
    // A piece takes about 5 ms: then others get their turn on this thread.
    if (first > 0) await setImmediate();
    for (let i = 0; i < count; i++) {
      const entry = first + i;
      if (entry % span === shape.blocksPerChunk) continue;
      const block = entry - Math.floor(entry / span);
      const low = view.getUint32(i * entryBytes, true);
      const high = view.getUint32(i * entryBytes + 4, true);
      if ((low | high) !== 0) places[block] = placeOf(source.sizeBytes, shape, claimed, { block, low, high });
    }
  }
  return new BlockTable(places);
}

function placeOf(
  fileBytes: number,
  { guestBytes, blockBytes }: BatShape,
  claimed: ClaimedSpace,
  { block, low, high }: { block: number; low: number; high: number },
): number {
  if ((low & reservedBits) !== 0) throw badEntry(block, 'has reserved bits set');
  const state = low & 7;
  switch (state) {
    case states.notPresent:
    case states.undefined:
    case states.unmapped:
      return 0;
    case states.zero:
      return zeroPlace;
    case states.partiallyPresent:
      throw badEntry(block, 'is partially present, which only a differencing disk can have');
    case states.fullyPresent:
      break;
    default:
      throw badEntry(block, `has state ${state}, which does not exist`);
  }
  const offset = (high * 2 ** 12 + (low >>> 20)) * mib;
  const needed = Math.min(blockBytes, guestBytes - block * blockBytes);
  if (offset + needed > fileBytes) {
    throw new ImageRefused({
      check: 'vhdx.truncated',
      reason: `Block ${block} stands at ${offset}, but the file has only ${fileBytes} bytes: it was cut short.`,
      remedy: 'Compare its length with the original, and send it again.',
    });
  }
  claimed.claimBlock(block, offset, Math.min(blockBytes, fileBytes - offset));
  return offset / mib;
}

function badEntry(block: number, what: string): ImageRefused {
  return new ImageRefused({
    check: 'vhdx.bat-entry',
    reason: `The table's entry of block ${block} ${what}.`,
    remedy: 'Look at it where it was made: Test-VHD FILE in PowerShell, or qemu-img check FILE',
  });
}
