import { hasMark } from '../probe.ts';
import { vhdChecksum } from './footer.ts';

/*
 * Source: as of the footer. Big-endian.
 *
 * offset size field
 *      0    8 cookie: "cxsparse"
 *      8    8 data offset: unused, all ones
 *     16    8 table offset: of the block allocation table
 *     24    4 header version: 0x00010000
 *     28    4 max table entries: blocks in the disk
 *     32    4 block size: bytes of guest data in a block, 2 MiB by default
 *     36    4 checksum, as in the footer
 *     40      of the parent of a differencing disk: 16 unique id, 4 time stamp, 4 reserved, 512 name, 192 locators
 *    768  256 reserved
 *
 * The block allocation table: 4 bytes for each block, its sector in the file, or all ones where it was never written.
 */
export const dynamicHeaderLength = 1024;

const checksumOffset = 36;
const parentOffset = 40;
const parentLength = 16;

/** A dynamic disk's header as it is written. */
export interface DynamicHeader {
  readonly hasCookie: boolean;
  readonly tableOffset: bigint;
  readonly version: number;
  readonly tableEntries: number;
  readonly blockBytes: number;
  /** A parent's id stands in it, which only means something in a differencing disk. */
  readonly namesParent: boolean;
  /** Whether the checksum is that of the bytes. */
  readonly intact: boolean;
}

export function readDynamicHeader(bytes: Uint8Array): DynamicHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    hasCookie: hasMark(bytes, 0, 'cxsparse'),
    tableOffset: view.getBigUint64(16),
    version: view.getUint32(24),
    tableEntries: view.getUint32(28),
    blockBytes: view.getUint32(32),
    namesParent: bytes.subarray(parentOffset, parentOffset + parentLength).some((byte) => byte !== 0),
    intact: view.getUint32(checksumOffset) === vhdChecksum(bytes, checksumOffset),
  };
}
