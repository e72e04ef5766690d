import { type ChunkId, chunkIdBytes } from './chunk-id.ts';
import { blockBytes, maxChunkBytes } from './chunker.ts';

/**
 * A volume's manifest: which chunk holds which guest bytes. docs/formats/manifest.md specifies the bytes.
 *
 *     root     the volume's size, and its lists
 *     list     256 segments: 16 GiB of guest space
 *     segment  64 MiB of guest space: sorted extents, each a chunk or a part of one
 *
 * A node is named by the SHA-256 of its bytes and holds offsets relative to its own start, so equal ranges of any two
 * volumes share their nodes. What is all hole has no node. Integers are little-endian.
 *
 *     node     0 magic "OBMN" | 4 version 1 (u8) | 5 kind (u8: 1 segment, 2 list, 3 root) | 6 zero (u16) | 8 count (u32)
 *     segment  12 count x { offset u32 | length u32 | chunk id 32 | offset in chunk u32 }
 *     list     12 count x { index u32 | node id 32 | digest of the segment's guest bytes 32 }
 *     root     12 volume size u64 | digest of the guest bytes 32 | count x { index u32 | node id 32 }
 */
export const segmentBytes = 64 * 1024 * 1024;
export const listSegments = 256;

const digestBytes = 32;
const magic = 0x4e_4d_42_4f; // "OBMN"
const version = 1;
const headerBytes = 12;
const extentBytes = 4 + 4 + chunkIdBytes + 4;
const childBytes = 4 + chunkIdBytes;
const listEntryBytes = childBytes + digestBytes;
const rootFieldsBytes = 8 + digestBytes;
const kindNumbers = { segment: 1, list: 2, root: 3 } as const;

/** A run of guest bytes within a segment, and the chunk they are in. Offsets are from the segment's start. */
export interface ManifestExtent {
  readonly offset: number;
  readonly length: number;
  readonly chunkId: ChunkId;
  readonly chunkOffset: number;
}

/** A child of a list or root, by its place among its siblings; a place without a child is a hole. */
export interface ManifestChild {
  readonly index: number;
  readonly id: ChunkId;
}

/** A segment in its list: its node, and the digest of its guest bytes. */
export interface ManifestSegment extends ManifestChild {
  readonly digest: Uint8Array;
}

/** A list in its root: its node, and what is in it. */
export interface ManifestList extends ManifestChild {
  readonly segments: readonly ManifestSegment[];
}

export interface ManifestRoot {
  readonly sizeBytes: number;
  readonly guestDigest: Uint8Array;
  readonly lists: readonly ManifestChild[];
}

/** The bytes of a node are not a manifest node, or not one that may be. */
export class ManifestBroken extends Error {
  constructor(fact: string) {
    super(`manifest node: ${fact}`);
    this.name = 'ManifestBroken';
  }
}

export function encodeSegment(extents: readonly ManifestExtent[]): Uint8Array {
  const { bytes, view } = createNode('segment', extents.length, extents.length * extentBytes);
  let place = headerBytes;
  for (const { offset, length, chunkId, chunkOffset } of extents) {
    view.setUint32(place, offset, true);
    view.setUint32(place + 4, length, true);
    bytes.set(chunkId, place + 8);
    view.setUint32(place + 8 + chunkIdBytes, chunkOffset, true);
    place += extentBytes;
  }
  return bytes;
}

export function encodeList(segments: readonly ManifestSegment[]): Uint8Array {
  const { bytes, view } = createNode('list', segments.length, segments.length * listEntryBytes);
  let place = headerBytes;
  for (const segment of segments) {
    writeChild(bytes, view, place, segment);
    bytes.set(segment.digest, place + childBytes);
    place += listEntryBytes;
  }
  return bytes;
}

export function encodeRoot({ sizeBytes, guestDigest, lists }: ManifestRoot): Uint8Array {
  const { bytes, view } = createNode('root', lists.length, rootFieldsBytes + lists.length * childBytes);
  view.setBigUint64(headerBytes, BigInt(sizeBytes), true);
  bytes.set(guestDigest, headerBytes + 8);
  let place = headerBytes + rootFieldsBytes;
  for (const list of lists) {
    writeChild(bytes, view, place, list);
    place += childBytes;
  }
  return bytes;
}

/** Sorted, not overlapping, within the segment; throws ManifestBroken for anything else. */
export function decodeSegment(bytes: Uint8Array): ManifestExtent[] {
  const { view, count } = openNode('segment', bytes, (entries) => entries * extentBytes);
  const extents: ManifestExtent[] = [];
  let end = 0;
  for (let index = 0; index < count; index += 1) {
    const place = headerBytes + index * extentBytes;
    const offset = view.getUint32(place, true);
    const length = view.getUint32(place + 4, true);
    const chunkOffset = view.getUint32(place + 8 + chunkIdBytes, true);
    if (offset < end || offset % blockBytes !== 0) throw new ManifestBroken(`extent ${index} begins at ${offset}`);
    if (length === 0 || offset + length > segmentBytes) throw new ManifestBroken(`extent ${index} has ${length} bytes`);
    if (chunkOffset + length > maxChunkBytes) throw new ManifestBroken(`extent ${index} leaves its chunk`);
    extents.push({ offset, length, chunkId: bytes.slice(place + 8, place + 8 + chunkIdBytes), chunkOffset });
    end = offset + length;
  }
  return extents;
}

export function decodeList(bytes: Uint8Array): ManifestSegment[] {
  const { view, count } = openNode('list', bytes, (entries) => entries * listEntryBytes);
  const children = readChildren(bytes, view, { start: headerBytes, entryBytes: listEntryBytes, count }, listSegments);
  return children.map((child, index) => {
    const place = headerBytes + index * listEntryBytes + childBytes;
    return { ...child, digest: bytes.slice(place, place + digestBytes) };
  });
}

export function decodeRoot(bytes: Uint8Array): ManifestRoot {
  const { view, count } = openNode('root', bytes, (entries) => rootFieldsBytes + entries * childBytes);
  const size = view.getBigUint64(headerBytes, true);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new ManifestBroken(`a volume of ${size} bytes`);
  const sizeBytes = Number(size);
  const places = Math.ceil(sizeBytes / (segmentBytes * listSegments));
  const guestDigest = bytes.slice(headerBytes + 8, headerBytes + rootFieldsBytes);
  const start = headerBytes + rootFieldsBytes;
  return { sizeBytes, guestDigest, lists: readChildren(bytes, view, { start, entryBytes: childBytes, count }, places) };
}

/** What kind of node it is; throws ManifestBroken for what is none. */
export function nodeKindOf(bytes: Uint8Array): keyof typeof kindNumbers {
  const number = bytes.byteLength < headerBytes ? undefined : bytes[5];
  for (const kind of ['segment', 'list', 'root'] as const) if (kindNumbers[kind] === number) return kind;
  throw new ManifestBroken(`kind ${number}`);
}

function createNode(
  kind: keyof typeof kindNumbers,
  count: number,
  bodyBytes: number,
): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(headerBytes + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint8(4, version);
  view.setUint8(5, kindNumbers[kind]);
  view.setUint32(8, count, true);
  return { bytes, view };
}

function openNode(
  kind: keyof typeof kindNumbers,
  bytes: Uint8Array,
  bodyBytes: (count: number) => number,
): { view: DataView; count: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < headerBytes || view.getUint32(0, true) !== magic) throw new ManifestBroken('no magic');
  if (view.getUint8(4) !== version) throw new ManifestBroken(`version ${view.getUint8(4)}`);
  if (view.getUint8(5) !== kindNumbers[kind])
    throw new ManifestBroken(`kind ${view.getUint8(5)} where a ${kind} belongs`);
  const count = view.getUint32(8, true);
  if (bytes.byteLength !== headerBytes + bodyBytes(count)) {
    throw new ManifestBroken(`${bytes.byteLength} bytes for ${count} entries of a ${kind}`);
  }
  return { view, count };
}

function writeChild(bytes: Uint8Array, view: DataView, place: number, { index, id }: ManifestChild): void {
  view.setUint32(place, index, true);
  bytes.set(id, place + 4);
}

function readChildren(
  bytes: Uint8Array,
  view: DataView,
  { start, entryBytes, count }: { start: number; entryBytes: number; count: number },
  places: number,
): ManifestChild[] {
  const children: ManifestChild[] = [];
  let next = 0;
  for (let place = start; place < start + count * entryBytes; place += entryBytes) {
    const index = view.getUint32(place, true);
    if (index < next || index >= places) throw new ManifestBroken(`a child at place ${index}`);
    children.push({ index, id: bytes.slice(place + 4, place + childBytes) });
    next = index + 1;
  }
  return children;
}
