import { crc32 } from 'node:zlib';
import { isBlobName } from '../blob-store.ts';

/** What is kept of a blob together: as much as is fetched at once for a small read. */
export const blockBytes = 512 * 1024;
/** What is verified together: as little as may be read of a block. */
export const unitBytes = 64 * 1024;
const unitsPerBlock = blockBytes / unitBytes;

/**
 * What is in one slot of the cache, as it stands in the table, little endian:
 *
 *     offset  bytes
 *          0     64  the blob's name, filled up with zeros; all zeros for an empty slot
 *         64      4  which block of the blob
 *         68      4  its length: less than `blockBytes` only for the last of a blob
 *         72     32  CRC-32 of each unit; 0 for those behind the length
 *        104      4  CRC-32 of what is above
 */
export const entryBytes = 108;
const crcOffset = 104;

export interface BlockEntry {
  readonly blobName: string;
  readonly block: number;
  readonly length: number;
  readonly unitCrcs: readonly number[];
}

/** The entry of these bytes of a blob. */
export function describeBlock(blobName: string, block: number, bytes: Uint8Array): BlockEntry {
  const unitCrcs = [];
  for (let start = 0; start < bytes.byteLength; start += unitBytes) {
    unitCrcs.push(crc32(bytes.subarray(start, start + unitBytes)));
  }
  return { blobName, block, length: bytes.byteLength, unitCrcs };
}

export function encodeEntry({ blobName, block, length, unitCrcs }: BlockEntry): Buffer {
  const bytes = Buffer.alloc(entryBytes);
  bytes.write(blobName, 'latin1');
  bytes.writeUInt32LE(block, 64);
  bytes.writeUInt32LE(length, 68);
  for (const [unit, crc] of unitCrcs.entries()) bytes.writeUInt32LE(crc, 72 + 4 * unit);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, crcOffset)), crcOffset);
  return bytes;
}

/** Undefined for an empty slot, and for one whose entry was not written to its end. */
export function decodeEntry(bytes: Buffer): BlockEntry | undefined {
  if (bytes.readUInt32LE(crcOffset) !== crc32(bytes.subarray(0, crcOffset))) return undefined;
  const blobName = bytes.toString('latin1', 0, 64).replace(/\0+$/, '');
  const length = bytes.readUInt32LE(68);
  if (!isBlobName(blobName) || length === 0 || length > blockBytes) return undefined;
  const units = Math.ceil(length / unitBytes);
  const unitCrcs = Array.from({ length: unitsPerBlock }, (_, unit) => bytes.readUInt32LE(72 + 4 * unit));
  return { blobName, block: bytes.readUInt32LE(64), length, unitCrcs: unitCrcs.slice(0, units) };
}
