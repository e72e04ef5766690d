import { sectorBytes } from '../guest-size.ts';
import { ImageRefused } from '../image-refused.ts';
import { hasMark } from '../probe.ts';

/*
 * Source: VMware, Virtual Disk Format 5.0, "Hosted Sparse Extents" (SparseExtentHeader). One sector, little-endian,
 * packed. Offsets and sizes are in sectors of 512 bytes.
 *
 * offset size field
 *      0    4 magicNumber: "KDMV"
 *      4    4 version: 1; 2 with zeroed grains; 3 for what else came later, with nothing in the layout that differs
 *      8    4 flags
 *     12    8 capacity: of the disk
 *     20    8 grainSize
 *     28    8 descriptorOffset: 0 where the descriptor is a file of its own
 *     36    8 descriptorSize
 *     44    4 numGTEsPerGT: entries in a grain table
 *     48    8 rgdOffset: of the redundant grain directory
 *     56    8 gdOffset: of the grain directory; 2^64-1: it says so in the footer
 *     64    8 overHead: sectors of metadata in front of the first grain
 *     72    1 uncleanShutdown: the file was not closed
 *     73    4 "\n \r\n": other bytes when the file was sent as if it were a text
 *     77    2 compressAlgorithm: 0 none, 1 deflate (RFC 1950)
 */
export const headerBytes = 512;

/** `gdOffset` in a header whose footer has the real one. */
export const directoryAtEnd = 2n ** 64n - 1n;

/** Flags that are looked at. Of those that are not known, the upper 16 forbid reading and the lower 16 do not. */
export const vmdkFlags = {
  newlineTest: 1 << 0,
  redundantTables: 1 << 1,
  zeroedGrains: 1 << 2,
  compressed: 1 << 16,
  markers: 1 << 17,
} as const;

/** A header, or a footer, as it is written: 64-bit fields are bigints until a check has said that they are sane. */
export interface VmdkHeader {
  readonly version: number;
  readonly flags: number;
  /** In sectors, as are all sizes and offsets here. */
  readonly capacity: bigint;
  readonly grainSize: bigint;
  readonly descriptorOffset: bigint;
  readonly descriptorSize: bigint;
  readonly entriesPerTable: number;
  readonly redundantDirectoryOffset: bigint;
  readonly directoryOffset: bigint;
  readonly overhead: bigint;
  readonly uncleanShutdown: boolean;
  readonly newlinesIntact: boolean;
  readonly compressAlgorithm: number;
}

export function isVmdk(head: Uint8Array): boolean {
  return hasMark(head, 0, 'KDMV');
}

/** Reads the header's sector. */
export function readHeader(sector: Uint8Array): VmdkHeader {
  if (sector.length < headerBytes) {
    throw new ImageRefused({
      check: 'vmdk.truncated',
      reason: `The file ends within its header: it has ${sector.length} bytes of ${headerBytes}.`,
    });
  }
  const view = new DataView(sector.buffer, sector.byteOffset, headerBytes);
  return {
    version: view.getUint32(4, true),
    flags: view.getUint32(8, true),
    capacity: view.getBigUint64(12, true),
    grainSize: view.getBigUint64(20, true),
    descriptorOffset: view.getBigUint64(28, true),
    descriptorSize: view.getBigUint64(36, true),
    entriesPerTable: view.getUint32(44, true),
    redundantDirectoryOffset: view.getBigUint64(48, true),
    directoryOffset: view.getBigUint64(56, true),
    overhead: view.getBigUint64(64, true),
    uncleanShutdown: view.getUint8(72) !== 0,
    newlinesIntact: hasMark(sector, 73, '\n \r\n'),
    compressAlgorithm: view.getUint16(77, true),
  };
}

export function hasFlag({ flags }: VmdkHeader, flag: number): boolean {
  return (flags & flag) !== 0;
}

/** Whether grains are compressed, each behind a marker, as in every streamOptimized file. */
export function isCompressed(header: VmdkHeader): boolean {
  return header.compressAlgorithm === 1;
}

/** Sectors in bytes, for any number that a header can hold. */
export function bytesOf(sectors: bigint): bigint {
  return sectors * BigInt(sectorBytes);
}

/** Sectors in bytes, for a number that a check has bounded. */
export function toBytes(sectors: bigint | number): number {
  return Number(sectors) * sectorBytes;
}
