import { hasMark } from '../probe.ts';

/*
 * Source: Microsoft's "Virtual Hard Disk Image Format Specification", version 1.0 (11 October 2006). All numbers are
 * big-endian.
 *
 * offset size field
 *      0    8 cookie: "conectix"
 *      8    4 features: bit 0 temporary; bit 1 reserved, always 1; the others reserved, 0
 *     12    4 file format version: 0x00010000, the major number in the upper half
 *     16    8 data offset: of the dynamic header; of no meaning in a fixed disk
 *     24    4 time stamp: seconds since 2000-01-01
 *     28    4 creator application: "vpc ", "win ", "vbox", ...
 *     32    4 creator version
 *     36    4 creator host: "Wi2k" or "Mac "
 *     40    8 original size: of the disk when it was made
 *     48    8 current size: of the disk, in bytes
 *     56    2 cylinders
 *     58    1 heads
 *     59    1 sectors per track
 *     60    4 disk type: 0 none, 2 fixed, 3 dynamic, 4 differencing; 1, 5 and 6 deprecated
 *     64    4 checksum: the ones' complement of the sum of all bytes but these
 *     68   16 unique id
 *     84    1 saved state: 1 when a machine was suspended with the disk
 *     85  427 reserved, 0
 *
 * Programs before Virtual PC 2004 wrote 511 bytes: the last reserved one is missing.
 */
export const footerLength = 512;
export const oldFooterLength = 511;

const cookie = 'conectix';
const checksumOffset = 64;

export const diskTypes = { fixed: 2, dynamic: 3, differencing: 4 } as const;

/** A footer, or the copy of it at a dynamic disk's beginning, as it is written. */
export interface VhdFooter {
  readonly features: number;
  readonly version: number;
  readonly dataOffset: bigint;
  /** Four bytes, as Latin-1. */
  readonly creator: string;
  readonly currentSize: bigint;
  readonly cylinders: number;
  readonly heads: number;
  readonly sectorsPerTrack: number;
  readonly type: number;
  readonly savedState: boolean;
  /** Whether the checksum is that of the bytes. */
  readonly intact: boolean;
}

/** Whether a footer, or its copy, stands at `offset`. */
export function hasFooter(bytes: Uint8Array, offset: number): boolean {
  return hasMark(bytes, offset, cookie);
}

/** Reads a footer of 512 bytes, or of 511, whose missing one is taken for 0. The cookie was seen. */
export function readFooter(written: Uint8Array): VhdFooter {
  const bytes = new Uint8Array(footerLength);
  bytes.set(written);
  const view = new DataView(bytes.buffer);
  return {
    features: view.getUint32(8),
    version: view.getUint32(12),
    dataOffset: view.getBigUint64(16),
    creator: Buffer.from(bytes.subarray(28, 32)).toString('latin1'),
    currentSize: view.getBigUint64(48),
    cylinders: view.getUint16(56),
    heads: view.getUint8(58),
    sectorsPerTrack: view.getUint8(59),
    type: view.getUint32(60),
    savedState: view.getUint8(84) !== 0,
    intact: view.getUint32(checksumOffset) === vhdChecksum(bytes, checksumOffset),
  };
}

/** The checksum of a footer or a dynamic header: of all bytes, the four of the checksum itself taken as 0. */
export function vhdChecksum(bytes: Uint8Array, checksumAt: number): number {
  let sum = 0;
  for (const [at, byte] of bytes.entries()) {
    if (at < checksumAt || at >= checksumAt + 4) sum += byte;
  }
  return ~sum >>> 0;
}
