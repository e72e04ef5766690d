import { crc32 } from 'node:zlib';

/**
 * A pooled volume's file, specified in docs/formats/pool.md:
 *
 *   guest bytes   at their own places; holes are left out, the last block is padded with zeros
 *   tables        one for each span of 64 MiB that holds data, in order: the CRC-32 of each of its blocks
 *   directory     for each span: 32 bits number of its table, from 1, or 0 for a hole; 32 bits CRC-32 of the table;
 *                 padded to a whole block
 *   trailer       the last block
 *
 * All integers are little-endian and unsigned, and the CRC-32 is the IEEE one.
 */

/** What a checksum is of: as guests' file systems read. */
export const blockBytes = 4096;

/** Guest space of one table: 64 KiB of checksums. */
export const spanBytes = 64 * 1024 * 1024;
const blocksPerSpan = spanBytes / blockBytes;
export const tableBytes = 4 * blocksPerSpan;

const magic = Buffer.from('OBRZPOOL');
const version = 1;
const entryBytes = 8;
/** Of the trailer, before its own checksum. */
const trailerFieldBytes = 60;
const contentIdBytes = 32;

/** What a whole file says of itself. */
export interface PoolFileFacts {
  /** Of the volume. */
  readonly sizeBytes: number;
  /** The volume's: 64 hexadecimal digits. */
  readonly contentId: string;
  /** By span: undefined for a hole. */
  readonly spans: readonly (SpanTable | undefined)[];
}

export interface SpanTable {
  /** From 0, in the order of the file. */
  readonly number: number;
  readonly checksum: number;
}

/** Places in the file. */
export interface PoolFileLayout {
  readonly tablesAt: number;
  readonly directoryAt: number;
  readonly directoryBytes: number;
  readonly trailerAt: number;
  readonly fileBytes: number;
}

export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes);
}

export function spansOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / spanBytes);
}

export function layOut(sizeBytes: number, tables: number): PoolFileLayout {
  const tablesAt = roundUp(sizeBytes);
  const directoryAt = tablesAt + tables * tableBytes;
  const directoryBytes = roundUp(spansOf(sizeBytes) * entryBytes);
  const trailerAt = directoryAt + directoryBytes;
  return { tablesAt, directoryAt, directoryBytes, trailerAt, fileBytes: trailerAt + blockBytes };
}

export function roundUp(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

/** A table in which every block is a hole. */
export function emptyTable(): Uint32Array {
  return new Uint32Array(blocksPerSpan).fill(zeroBlockChecksum);
}

const zeroBlockChecksum = crc32(new Uint8Array(blockBytes));

export function encodeTable(table: Uint32Array): Buffer {
  const bytes = Buffer.alloc(tableBytes);
  for (const [index, checksum] of table.entries()) bytes.writeUInt32LE(checksum, index * 4);
  return bytes;
}

export function decodeTable(bytes: Buffer): Uint32Array {
  return Uint32Array.from({ length: blocksPerSpan }, (_, index) => bytes.readUInt32LE(index * 4));
}

/** Directory and trailer, as they stand behind the tables. */
export function encodeEnd({ sizeBytes, contentId, spans }: PoolFileFacts): Buffer {
  const tables = spans.filter((span) => span !== undefined).length;
  const { directoryBytes } = layOut(sizeBytes, tables);
  const bytes = Buffer.alloc(directoryBytes + blockBytes);
  for (const [index, span] of spans.entries()) {
    if (span === undefined) continue;
    bytes.writeUInt32LE(span.number + 1, index * entryBytes);
    bytes.writeUInt32LE(span.checksum, index * entryBytes + 4);
  }
  const trailer = bytes.subarray(directoryBytes);
  magic.copy(trailer);
  trailer.writeUInt32LE(version, 8);
  trailer.writeUInt32LE(tables, 12);
  trailer.writeBigUInt64LE(BigInt(sizeBytes), 16);
  trailer.write(contentId, 24, contentIdBytes, 'hex');
  trailer.writeUInt32LE(crc32(bytes.subarray(0, directoryBytes)), 56);
  trailer.writeUInt32LE(crc32(trailer.subarray(0, trailerFieldBytes)), trailerFieldBytes);
  return bytes;
}

/** What a trailer says; undefined for bytes that are none. `spans` are in the directory, whose checksum is told. */
export function decodeTrailer(
  trailer: Buffer,
): { sizeBytes: number; contentId: string; tables: number; directoryChecksum: number } | undefined {
  if (!trailer.subarray(0, magic.length).equals(magic) || trailer.readUInt32LE(8) !== version) return undefined;
  if (crc32(trailer.subarray(0, trailerFieldBytes)) !== trailer.readUInt32LE(trailerFieldBytes)) return undefined;
  return {
    sizeBytes: Number(trailer.readBigUInt64LE(16)),
    contentId: trailer.toString('hex', 24, 24 + contentIdBytes),
    tables: trailer.readUInt32LE(12),
    directoryChecksum: trailer.readUInt32LE(56),
  };
}

/** Undefined for a directory that names tables which are not there, or whose checksum is another. */
export function decodeDirectory(
  bytes: Buffer,
  { sizeBytes, tables, directoryChecksum }: { sizeBytes: number; tables: number; directoryChecksum: number },
): PoolFileFacts['spans'] | undefined {
  if (crc32(bytes) !== directoryChecksum) return undefined;
  const spans = Array.from({ length: spansOf(sizeBytes) }, (_, index): SpanTable | undefined => {
    const number = bytes.readUInt32LE(index * entryBytes);
    return number === 0 ? undefined : { number: number - 1, checksum: bytes.readUInt32LE(index * entryBytes + 4) };
  });
  return spans.every((span) => span === undefined || span.number < tables) ? spans : undefined;
}
