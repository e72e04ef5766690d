import { crc32, constants as zlibConstants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeRun } from '../formats/decode-run.ts';
import type { DataRun } from '../formats/disk-map.ts';
import { ImageRefused } from '../formats/image-refused.ts';
import { copyBytes } from '../lib/copy-bytes.ts';
import { freeBytes } from '../lib/free-bytes.ts';
import { type ChunkId, chunkIdBytes, chunkIdOf } from './chunk-id.ts';
import { cutChunks } from './chunker.ts';
import { digestLeaf, leafBytes, type SparseDigest } from './guest-digest.ts';
import type { Encoding } from './pack-format.ts';

/**
 * What the store's threads do: inflate, cut, hash and compress. Pure functions; bulk bytes come and go in shared
 * memory that the caller owns and leaves alone while a task runs.
 */

/** A piece of the source file, as read, and the runs whose encoded bytes lie whole in it. */
export interface FetchedRead {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly runs: readonly DataRun[];
}

export interface CutInput {
  /** The lane's buffer: `carryLength` bytes of an open chunk at `carryOffset`, moved to the front before anything. */
  readonly plain: SharedArrayBuffer;
  readonly carryOffset: number;
  readonly carryLength: number;
  /** The stripe: its guest bytes follow the carry. Runs are relative to the whole guest. */
  readonly guestOffset: number;
  readonly length: number;
  readonly reads: readonly FetchedRead[];
  /** The segment ends with this stripe. */
  readonly final: boolean;
}

/** Chunks in the lane's buffer, side by side in arrays: 32 bytes of `ids` for each of `offsets` and `lengths`. */
export interface CutOutput {
  readonly ids: Uint8Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly restOffset: number;
  readonly restLength: number;
  /** Of the stripe's 1 MiB blocks, in order; empty when the stripe does not begin at the border of one. */
  readonly leaves: readonly SparseDigest[];
}

/** An expected refusal of the file; an exception would lose its class between the threads. */
export interface Refusal {
  readonly refused: { readonly check: string; readonly reason: string; readonly remedy: string | undefined };
}

/** Decodes a stripe into the lane's buffer and cuts it. */
function cut(input: CutInput): CutOutput | Refusal {
  const buffer = new Uint8Array(input.plain);
  buffer.copyWithin(0, input.carryOffset, input.carryOffset + input.carryLength);
  const end = input.carryLength + input.length;
  const stripe = buffer.subarray(input.carryLength, end);
  try {
    decodeStripe(input, stripe);
  } catch (error) {
    if (error instanceof ImageRefused) {
      return { refused: { check: error.check, reason: error.reason, remedy: error.remedy } };
    }
    throw error;
  }
  const { chunks, restOffset } = cutChunks(buffer.subarray(0, end), input.final);
  const ids = new Uint8Array(chunks.length * chunkIdBytes);
  const offsets = new Uint32Array(chunks.length);
  const lengths = new Uint32Array(chunks.length);
  for (const [index, { offset, length }] of chunks.entries()) {
    ids.set(chunkIdOf(buffer.subarray(offset, offset + length)), index * chunkIdBytes);
    offsets[index] = offset;
    lengths[index] = length;
  }
  const leaves = input.guestOffset % leafBytes === 0 ? digestLeaves(stripe) : [];
  return { ids, offsets, lengths, restOffset, restLength: end - restOffset, leaves };
}

function digestLeaves(bytes: Uint8Array): SparseDigest[] {
  const leaves: SparseDigest[] = [];
  for (let offset = 0; offset < bytes.byteLength; offset += leafBytes) {
    leaves.push(digestLeaf(bytes.subarray(offset, offset + leafBytes)));
  }
  return leaves;
}

/** Fills the stripe: the runs' bytes where there are runs, zeros elsewhere (the buffer held another stripe before). */
function decodeStripe({ reads, guestOffset, length }: CutInput, stripe: Uint8Array): void {
  let covered = 0;
  for (const { runs } of reads) for (const run of runs) covered += run.length;
  if (covered < length) stripe.fill(0);
  for (const { offset, bytes, runs } of reads) {
    for (const run of runs) {
      const encoded = bytes.subarray(run.fileOffset - offset, run.fileOffset - offset + run.fileLength);
      const start = run.offset - guestOffset;
      decodeRun(run, encoded, stripe.subarray(start, start + run.length));
    }
  }
}

export interface EncodeInput {
  readonly plain: SharedArrayBuffer;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Takes the encoded chunks one after the other; at least as large as the plain ones together. */
  readonly encoded: SharedArrayBuffer;
}

export interface EncodeOutput {
  readonly encodings: Encoding[];
  readonly lengths: Uint32Array;
  readonly crcs: Uint32Array;
}

/**
 * Level 1: on guest bytes 3 to 4 times as fast as the default level 3 for a tenth more bytes. No checksum of its own:
 * the id is one.
 */
const params = { [zlibConstants.ZSTD_c_compressionLevel]: 1 };

/** zlib makes its output in one buffer of this size, not in several that are joined: all that fits, and some to spare. */
const outputBytes = (plainLength: number) => plainLength + 64;

/** A chunk that zstd makes no smaller than this part of itself is kept plain: reading it back then costs nothing. */
const worthwhile = 0.97;

export function encodeChunk(plain: Uint8Array): { encoding: Encoding; bytes: Uint8Array } {
  const compressed = zstdCompressSync(plain, { params, chunkSize: outputBytes(plain.byteLength) });
  if (compressed.byteLength < plain.byteLength * worthwhile) return { encoding: 'zstd', bytes: compressed };
  freeBytes(compressed, outputBytes(plain.byteLength));
  return { encoding: 'plain', bytes: plain };
}

function encode({ plain, offsets, lengths, encoded }: EncodeInput): EncodeOutput {
  const source = new Uint8Array(plain);
  const target = new Uint8Array(encoded);
  const encodings: Encoding[] = [];
  const encodedLengths = new Uint32Array(offsets.length);
  const crcs = new Uint32Array(offsets.length);
  let place = 0;
  for (const [index, offset] of offsets.entries()) {
    const { encoding, bytes } = encodeChunk(source.subarray(offset, offset + (lengths[index] ?? 0)));
    copyBytes(bytes, target, place);
    encodings.push(encoding);
    encodedLengths[index] = bytes.byteLength;
    crcs[index] = crc32(bytes);
    place += bytes.byteLength;
    freeBytes(bytes, outputBytes(lengths[index] ?? 0));
  }
  return { encodings, lengths: encodedLengths, crcs };
}

/** A part of a chunk, and where in the target it belongs. */
export interface ChunkPart {
  readonly chunkOffset: number;
  readonly length: number;
  readonly targetOffset: number;
}

export interface DecodeItem {
  readonly id: ChunkId;
  readonly encoding: Encoding;
  readonly plainLength: number;
  readonly encoded: Uint8Array;
  readonly parts: readonly ChunkPart[];
}

export interface DecodeInput {
  readonly items: readonly DecodeItem[];
  readonly target: SharedArrayBuffer;
}

/** Chunks whose bytes are not the ones that were stored: place among the items, and what was found. */
export interface DecodeOutput {
  readonly corrupt: readonly { readonly item: number; readonly fact: string }[];
}

/** Decodes chunks, checks each against its id, and copies the wanted parts; nothing of a corrupt chunk is copied. */
function decode({ items, target }: DecodeInput): DecodeOutput {
  const bytes = new Uint8Array(target);
  const corrupt: { item: number; fact: string }[] = [];
  for (const [index, item] of items.entries()) {
    const plain = decodeChunk(item);
    if (typeof plain === 'string') {
      corrupt.push({ item: index, fact: plain });
      continue;
    }
    for (const { chunkOffset, length, targetOffset } of item.parts) {
      copyBytes(plain.subarray(chunkOffset, chunkOffset + length), bytes, targetOffset);
    }
    freeBytes(plain, outputBytes(item.plainLength));
  }
  return { corrupt };
}

/** A chunk's plain bytes, checked against its id, or what is wrong with them. */
export function decodeChunk(item: Omit<DecodeItem, 'parts'>): Uint8Array | string {
  let plain: Uint8Array;
  try {
    plain = item.encoding === 'plain' ? item.encoded : inflateChunk(item.encoded, item.plainLength);
  } catch (error) {
    return `it does not decompress: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (plain.byteLength !== item.plainLength) return `it has ${plain.byteLength} bytes in place of ${item.plainLength}`;
  const actual = chunkIdOf(plain);
  return Buffer.compare(actual, item.id) === 0 ? plain : `its SHA-256 is ${Buffer.from(actual).toString('hex')}`;
}

function inflateChunk(encoded: Uint8Array, plainLength: number): Uint8Array {
  return zstdDecompressSync(encoded, { maxOutputLength: plainLength, chunkSize: outputBytes(plainLength) });
}

/** The leaves of guest bytes that begin at the border of a 1 MiB block. */
function digest({ plain }: { readonly plain: SharedArrayBuffer }): SparseDigest[] {
  return digestLeaves(new Uint8Array(plain));
}

/** The tasks of store-thread.ts. */
export const storeTasks = { cut, encode, decode, digest };
export type StoreTasks = typeof storeTasks;
