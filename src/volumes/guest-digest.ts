import { createHash, type Hash, hash } from 'node:crypto';
import { isZero } from '../lib/zeros.ts';
import { listSegments, segmentBytes } from './manifest.ts';

/**
 * The digest of guest bytes: a binary tree of SHA-256 over blocks of 1 MiB. A tree, so that segments can be digested in
 * any order and on any thread, and so that a sparse TiB costs nothing: the digest of zeros is known at every level.
 *
 *     leaf    SHA-256(0x00 | the block, filled up with zeros to 1 MiB)
 *     inner   SHA-256(0x01 | left | right)
 *     guest   SHA-256(0x02 | size in bytes, u64 little-endian | the top of the tree)
 *
 * The tree stands over as many blocks as are needed to cover the guest, filled up with blocks of zeros to a power of two;
 * at least a whole segment. docs/formats/manifest.md says it for others.
 */
export const leafBytes = 1024 * 1024;
export const digestBytes = 32;

/** Levels above the leaves at which a segment's digest stands: 64 leaves. */
const segmentLevel = Math.log2(segmentBytes / leafBytes);

/** Levels from a list's segments up to the list. */
const levelsInList = Math.log2(listSegments);

/** A digest, or undefined for what is all zeros. */
export type SparseDigest = Uint8Array | undefined;

/** Of one block; the last one of a guest may be shorter. */
export function digestLeaf(block: Uint8Array): SparseDigest {
  if (isZero(block)) return undefined;
  const hashing = createHash('sha256').update(leafTag).update(block);
  if (block.byteLength < leafBytes) hashing.update(zeroBlock.subarray(block.byteLength));
  return finish(hashing);
}

/** Of a segment, from its leaves in order; missing ones are zeros. */
export function digestSegment(leaves: readonly SparseDigest[]): SparseDigest {
  return reduce(leaves, 0, segmentLevel);
}

/** Of a guest of `sizeBytes`, from its segments' digests by index; missing ones are zeros. */
export function digestGuest(sizeBytes: number, segments: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const { below, above } = levelsOf(sizeBytes);
  return digestTop(sizeBytes, reduceSparse(segments, segmentLevel, below + above));
}

/**
 * Of one list of a guest of `sizeBytes`, from its segments' digests by their place in it; missing ones are zeros. The same for
 * guests of equal `listLevels`.
 */
export function digestList(sizeBytes: number, segments: ReadonlyMap<number, Uint8Array>): SparseDigest {
  return reduceSparse(segments, segmentLevel, levelsOf(sizeBytes).below);
}

/** Levels from the segments up to the lists of a guest of `sizeBytes`. */
export function listLevels(sizeBytes: number): number {
  return levelsOf(sizeBytes).below;
}

/** As `digestGuest`, from its lists' digests by index; missing ones are zeros. */
export function digestGuestOfLists(sizeBytes: number, lists: ReadonlyMap<number, SparseDigest>): Uint8Array {
  const { below, above } = levelsOf(sizeBytes);
  return digestTop(sizeBytes, reduceSparse(presentOf(lists), segmentLevel + below, above));
}

/** Levels between a guest's segments and its lists, and between those and its top: a small guest's is below a whole list's. */
function levelsOf(sizeBytes: number): { readonly below: number; readonly above: number } {
  const levels = Math.ceil(Math.log2(Math.max(1, Math.ceil(sizeBytes / segmentBytes))));
  const below = Math.min(levelsInList, levels);
  return { below, above: levels - below };
}

function digestTop(sizeBytes: number, top: SparseDigest): Uint8Array {
  const { below, above } = levelsOf(sizeBytes);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(sizeBytes));
  const known = top ?? zeroDigest(segmentLevel + below + above);
  return finish(createHash('sha256').update(guestTag).update(size).update(known));
}

const leafTag = Uint8Array.of(0);
const innerTag = 1;
const guestTag = Uint8Array.of(2);
const zeroBlock = new Uint8Array(leafBytes);
const zeroDigests: Uint8Array[] = [];

/** The digest of zeros, `level` levels above the leaves. */
function zeroDigest(level: number): Uint8Array {
  for (let next = zeroDigests.length; next <= level; next += 1) {
    const below = zeroDigests[next - 1];
    const digest =
      below === undefined ? finish(createHash('sha256').update(leafTag).update(zeroBlock)) : digestPair(below, below);
    zeroDigests.push(digest);
  }
  return zeroDigests[level] ?? zeroBlock.subarray(0, digestBytes);
}

/** The digest over `2 ** levels` digests that stand at `level`. */
function reduce(digests: readonly SparseDigest[], level: number, levels: number): SparseDigest {
  return reduceSparse(presentOf(digests), level, levels);
}

function presentOf(digests: { entries(): Iterable<readonly [number, SparseDigest]> }): Map<number, Uint8Array> {
  const present = new Map<number, Uint8Array>();
  for (const [index, digest] of digests.entries()) if (digest !== undefined) present.set(index, digest);
  return present;
}

/** As `reduce`; work and memory go with the digests that there are, not with the places. */
function reduceSparse(digests: ReadonlyMap<number, Uint8Array>, level: number, levels: number): SparseDigest {
  let row = digests;
  for (let at = level; at < level + levels; at += 1) {
    const above = new Map<number, Uint8Array>();
    for (const index of row.keys()) {
      const parent = Math.floor(index / 2);
      if (above.has(parent)) continue;
      const left = row.get(parent * 2) ?? zeroDigest(at);
      const right = row.get(parent * 2 + 1) ?? zeroDigest(at);
      above.set(parent, digestPair(left, right));
    }
    row = above;
  }
  return row.get(0);
}

/** An inner node's bytes, which each next one is put together in. */
const pair = new Uint8Array(1 + 2 * digestBytes);
pair[0] = innerTag;

/** Of an inner node. A disk of 1 TiB has 16,384 of them: no object is made for each but the digest itself. */
function digestPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left, 1);
  pair.set(right, 1 + digestBytes);
  return hash('sha256', pair, 'buffer');
}

function finish(hashing: Hash): Uint8Array {
  return Uint8Array.from(hashing.digest());
}
