import { deflateRawSync, zstdCompressSync } from 'node:zlib';

/**
 * A qcow2 file made by hand, one part to a cluster:
 *
 *     0 header   1 refcount table   2 refcount block   3 L1 table   4 L2 table   5... data
 *
 * Untouched it is a good file of one L2 table whose first entries point to the data clusters in order. Each part can be
 * given in its place, so that a test shows only what is wrong with its file.
 */
export interface Qcow2Parts {
  /** Header fields in place of the good ones, by the specification's names. */
  readonly header?: Partial<Record<HeaderField, number | bigint>>;
  readonly extensions?: readonly { type: number; data: Uint8Array; claimedLength?: number }[];
  readonly l1?: readonly bigint[];
  /** Words of the L2 table: an entry each, two with extended L2. */
  readonly l2?: readonly bigint[];
  /** Data clusters; shorter ones are filled up with zeros. */
  readonly data?: readonly Uint8Array[];
  /** Cuts the file to this length. */
  readonly fileBytes?: number;
}

export type HeaderField = keyof typeof headerFields;

/** Offset and size of each header field. */
const headerFields = {
  magic: [0, 4],
  version: [4, 4],
  backing_file_offset: [8, 8],
  backing_file_size: [16, 4],
  cluster_bits: [20, 4],
  size: [24, 8],
  crypt_method: [32, 4],
  l1_size: [36, 4],
  l1_table_offset: [40, 8],
  refcount_table_offset: [48, 8],
  refcount_table_clusters: [56, 4],
  nb_snapshots: [60, 4],
  snapshots_offset: [64, 8],
  incompatible_features: [72, 8],
  compatible_features: [80, 8],
  autoclear_features: [88, 8],
  refcount_order: [96, 4],
  header_length: [100, 4],
  compression_type: [104, 1],
} as const satisfies Record<string, readonly [number, 1 | 4 | 8]>;

export const clusterBits = 12;
export const clusterBytes = 4096;
export const l1Offset = 3 * clusterBytes;
export const l2Offset = 4 * clusterBytes;

/** Offset of data cluster `index`. */
export function dataOffset(index: number): number {
  return (5 + index) * clusterBytes;
}

/** An L1 or L2 entry with the flag that says that what it points to is used once. */
export function copied(offset: number | bigint): bigint {
  return (1n << 63n) | BigInt(offset);
}

/** An L2 entry of a compressed cluster of `length` encoded bytes at `offset`. */
export function compressedEntry(offset: number, length: number, bits = clusterBits): bigint {
  const sectors = Math.floor((offset + length - 1) / 512) - Math.floor(offset / 512);
  return (1n << 62n) | (BigInt(sectors) << BigInt(62 - (bits - 8))) | BigInt(offset);
}

/** A data cluster's guest bytes, different for each index. */
export function pattern(index: number, length = clusterBytes): Buffer {
  return Buffer.alloc(length, `cluster ${index}; `);
}

/** The bytes as a writer of compressed clusters would keep them (zlib's window has 12 bits in QEMU). */
export const deflated = (bytes: Uint8Array) => deflateRawSync(bytes, { windowBits: 12 });
export const zstandard = (bytes: Uint8Array) => zstdCompressSync(bytes);

export function buildQcow2(parts: Qcow2Parts = {}): Buffer {
  const data = parts.data ?? [pattern(0), pattern(1), pattern(2)];
  const file = Buffer.alloc(dataOffset(data.length));
  const header = {
    magic: 0x514649fb,
    version: 3,
    cluster_bits: clusterBits,
    size: 64 * clusterBytes,
    l1_size: parts.l1?.length ?? 1,
    l1_table_offset: l1Offset,
    refcount_table_offset: clusterBytes,
    refcount_table_clusters: 1,
    refcount_order: 4,
    header_length: 112,
    ...parts.header,
  };
  for (const [field, [offset, size]] of Object.entries(headerFields)) {
    const value = BigInt(Object.entries(header).find(([name]) => name === field)?.[1] ?? 0);
    if (size === 8) file.writeBigUInt64BE(value, offset);
    else if (size === 4) file.writeUInt32BE(Number(value), offset);
    else file.writeUInt8(Number(value), offset);
  }
  let at = 112;
  for (const { type, data: bytes, claimedLength } of parts.extensions ?? []) {
    file.writeUInt32BE(type, at);
    file.writeUInt32BE(claimedLength ?? bytes.length, at + 4);
    file.set(bytes, at + 8);
    at += 8 + Math.ceil(bytes.length / 8) * 8;
  }
  writeWords(file, clusterBytes, [BigInt(2 * clusterBytes)]);
  writeWords(file, l1Offset, parts.l1 ?? [copied(l2Offset)]);
  writeWords(file, l2Offset, parts.l2 ?? data.map((_, i) => copied(dataOffset(i))));
  for (const [i, bytes] of data.entries()) file.set(bytes, dataOffset(i));
  return file.subarray(0, parts.fileBytes ?? file.length);
}

function writeWords(file: Buffer, offset: number, words: readonly bigint[]): void {
  for (const [i, word] of words.entries()) file.writeBigUInt64BE(BigInt.asUintN(64, word), offset + i * 8);
}
