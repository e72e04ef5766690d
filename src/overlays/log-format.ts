import { crc32 } from 'node:zlib';

/**
 * A log file of an overlay, in blocks of 4 KiB. docs/formats/overlay.md specifies it. Integers are little-endian.
 *
 *     block 0     file header:   "OBRZOVLF" | version 1 u32 | file number u32 | overlay id 16 | salt 8 | CRC-32 u32
 *     block 1...  batches, each: batch header, then its data blocks in the order of their entries
 *                 batch header:  "OBRZOVLB" | salt 8 | sequence u64 | synced u64 | data entries u16 | zero entries u16
 *                                | zero u32 | CRC-32 u32 | zeros up to 64 | entries, 8 bytes each:
 *                                data: block u32, CRC-32 u32; then zero: block u32, blocks u32
 *     in the end  index entries, 12 bytes each, padded to a block:
 *                                block u32 | place in this file u32, or 2^32-1 for zeros | CRC-32, or blocks, u32
 *     last block  trailer:       "OBRZOVLE" | salt 8 | block of the index u32 | entries u32 | CRC-32 of the entries u32
 *                                | zero u32 | last sequence u64 | CRC-32 u32
 *
 * Every one of these blocks has its own CRC-32 at byte 40, of the whole block with zeros in that place.
 */
export const blockBytes = 4096;

/** 64 MiB: what is scanned after a crash, in some 50 ms. A place in memory has 14 bits for it. */
export const fileBlocksMax = 16_384;

/** What a batch header has room for: 2 MiB of data. */
export const batchEntriesMax = 504;

/** Entries of a file's index: as many as it has blocks, and as many zero runs. 384 KiB. */
export const indexEntriesMax = 2 * fileBlocksMax;

/** In an index entry, in place of a place: the run is of zeros. */
export const zeroPlace = 0xffff_ffff;

const headMagic = Buffer.from('OBRZOVLF', 'latin1');
const batchMagic = Buffer.from('OBRZOVLB', 'latin1');
const endMagic = Buffer.from('OBRZOVLE', 'latin1');
const version = 1;
const crcOffset = 40;
const entriesOffset = 64;
const entryBytes = 8;
const indexEntryBytes = 12;

export interface FileHeader {
  readonly fileNumber: number;
  /** 32 hexadecimal digits. */
  readonly overlayId: string;
  /** 8 random bytes that every block of this file but the data repeats: no guest can write what looks like one. */
  readonly salt: Buffer;
}

/** Consecutive blocks of data, of which `bytes` is a whole number; `checksums` has the CRC-32 of each. */
export interface DataRun {
  readonly block: number;
  readonly bytes: Uint8Array;
  readonly checksums: readonly number[];
}

export interface ZeroRun {
  readonly block: number;
  readonly count: number;
}

export interface BatchHeader {
  /** Consecutive over all files of the overlay. */
  readonly sequence: number;
  /** Every batch up to this sequence was durable when this one was written. */
  readonly synced: number;
  readonly data: readonly { readonly block: number; readonly checksum: number }[];
  readonly zeros: readonly ZeroRun[];
}

export interface Trailer {
  readonly indexBlock: number;
  readonly indexEntries: number;
  readonly indexChecksum: number;
  /** Of the last batch in the file; 0 when it has none. */
  readonly lastSequence: number;
}

export function encodeFileHeader({ fileNumber, overlayId, salt }: FileHeader): Buffer {
  const bytes = Buffer.alloc(blockBytes);
  headMagic.copy(bytes);
  bytes.writeUInt32LE(version, 8);
  bytes.writeUInt32LE(fileNumber, 12);
  bytes.write(overlayId, 16, 'hex');
  salt.copy(bytes, 32);
  return withChecksum(bytes);
}

/** The header, or why it is none. */
export function decodeFileHeader(bytes: Buffer): FileHeader | string {
  if (!startsWith(bytes, headMagic)) return 'is not a log file of an overlay';
  if (bytes.readUInt32LE(8) !== version)
    return `is of version ${bytes.readUInt32LE(8)}, which this program does not know`;
  if (!hasRightChecksum(bytes)) return 'has a damaged header';
  return {
    fileNumber: bytes.readUInt32LE(12),
    overlayId: bytes.toString('hex', 16, 32),
    salt: Buffer.from(bytes.subarray(32, 40)),
  };
}

export interface NewBatch {
  readonly salt: Buffer;
  readonly sequence: number;
  readonly synced: number;
  readonly data: readonly DataRun[];
  readonly zeros: readonly ZeroRun[];
}

/** @param bytes a block to write into; it may be used again once the batch is written */
export function encodeBatchHeader(bytes: Buffer, { salt, sequence, synced, data, zeros }: NewBatch): Buffer {
  bytes.fill(0);
  batchMagic.copy(bytes);
  salt.copy(bytes, 8);
  bytes.writeBigUInt64LE(BigInt(sequence), 16);
  bytes.writeBigUInt64LE(BigInt(synced), 24);
  let place = entriesOffset;
  for (const run of data) {
    for (const [index, checksum] of run.checksums.entries()) {
      bytes.writeUInt32LE(run.block + index, place);
      bytes.writeUInt32LE(checksum, place + 4);
      place += entryBytes;
    }
  }
  bytes.writeUInt16LE((place - entriesOffset) / entryBytes, 32);
  for (const run of zeros) {
    bytes.writeUInt32LE(run.block, place);
    bytes.writeUInt32LE(run.count, place + 4);
    place += entryBytes;
  }
  bytes.writeUInt16LE(zeros.length, 34);
  return withChecksum(bytes);
}

/** The batch header in a block, or undefined when it is none of this file. */
export function decodeBatchHeader(bytes: Buffer, salt: Buffer): BatchHeader | undefined {
  if (!startsWith(bytes, batchMagic) || salt.compare(bytes, 8, 16) !== 0 || !hasRightChecksum(bytes)) return undefined;
  const dataCount = bytes.readUInt16LE(32);
  const zeroCount = bytes.readUInt16LE(34);
  const sequence = safeNumber(bytes.readBigUInt64LE(16));
  const synced = safeNumber(bytes.readBigUInt64LE(24));
  if (dataCount + zeroCount > batchEntriesMax || sequence === undefined || synced === undefined) return undefined;
  const entry = (index: number) => entriesOffset + index * entryBytes;
  return {
    sequence,
    synced,
    data: Array.from({ length: dataCount }, (_, index) => ({
      block: bytes.readUInt32LE(entry(index)),
      checksum: bytes.readUInt32LE(entry(index) + 4),
    })),
    zeros: Array.from({ length: zeroCount }, (_, index) => ({
      block: bytes.readUInt32LE(entry(dataCount + index)),
      count: bytes.readUInt32LE(entry(dataCount + index) + 4),
    })),
  };
}

/** A file's index as it stands in the file, padded to whole blocks. Three numbers an entry. */
export function encodeIndex(entries: Uint32Array): Buffer {
  const bytes = Buffer.alloc(Math.ceil((entries.length * 4) / blockBytes) * blockBytes);
  for (let index = 0; index < entries.length; index += 1) bytes.writeUInt32LE(entries[index] ?? 0, index * 4);
  return bytes;
}

export function decodeIndex(bytes: Buffer, indexEntries: number): Uint32Array<ArrayBuffer> {
  const entries = new Uint32Array(indexEntries * 3);
  for (let index = 0; index < entries.length; index += 1) entries[index] = bytes.readUInt32LE(index * 4);
  return entries;
}

export function indexBlocks(indexEntries: number): number {
  return Math.ceil((indexEntries * indexEntryBytes) / blockBytes);
}

export function encodeTrailer(salt: Buffer, trailer: Trailer): Buffer {
  const bytes = Buffer.alloc(blockBytes);
  endMagic.copy(bytes);
  salt.copy(bytes, 8);
  bytes.writeUInt32LE(trailer.indexBlock, 16);
  bytes.writeUInt32LE(trailer.indexEntries, 20);
  bytes.writeUInt32LE(trailer.indexChecksum, 24);
  bytes.writeBigUInt64LE(BigInt(trailer.lastSequence), 32);
  return withChecksum(bytes);
}

/** The trailer in a block, or undefined when it is none of this file. */
export function decodeTrailer(bytes: Buffer, salt: Buffer): Trailer | undefined {
  if (!startsWith(bytes, endMagic) || salt.compare(bytes, 8, 16) !== 0 || !hasRightChecksum(bytes)) return undefined;
  const lastSequence = safeNumber(bytes.readBigUInt64LE(32));
  if (lastSequence === undefined) return undefined;
  return {
    indexBlock: bytes.readUInt32LE(16),
    indexEntries: bytes.readUInt32LE(20),
    indexChecksum: bytes.readUInt32LE(24),
    lastSequence,
  };
}

/** CRC-32 (IEEE): 4 GB/s by node:zlib, where SHA-256 makes 0.5. It is to find damage, not an enemy with the disk. */
export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes);
}

function withChecksum(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(checksumOf(bytes), crcOffset);
  return bytes;
}

function hasRightChecksum(bytes: Buffer): boolean {
  const head = checksumOf(bytes.subarray(0, crcOffset));
  const gap = crc32(zeroChecksum, head);
  return crc32(bytes.subarray(crcOffset + 4, blockBytes), gap) === bytes.readUInt32LE(crcOffset);
}

const zeroChecksum = Buffer.alloc(4);

function startsWith(bytes: Buffer, magic: Buffer): boolean {
  return bytes.length >= blockBytes && magic.compare(bytes, 0, magic.length) === 0;
}

function safeNumber(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}
