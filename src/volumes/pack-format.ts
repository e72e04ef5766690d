import { hash } from 'node:crypto';
import { type ChunkId, chunkIdBytes } from './chunk-id.ts';

/**
 * A pack: many encoded chunks in one blob, and at its end an index that says what is where, so that the packs alone
 * can make the metadata again. docs/formats/pack.md specifies it. Integers are little-endian.
 *
 *     0    header, 128 bytes:  magic "OBRZPACK" | version 1 u32 | length of the domain's name u32 | name, UTF-8 | zeros
 *     128  the entries' encoded bytes, one after the other
 *     ...  index, 56 bytes an entry, in the order of the entries:
 *            id 32 | offset u64 | encoded length u32 | plain length u32 | kind u8 | encoding u8 | zero u16 | CRC-32 u32
 *     end-64  trailer:  magic "OBRZPEND" | offset of the index u64 | number of entries u32 | zero u32
 *            | SHA-256 of the index 32 | zero u64
 *
 * The CRC-32 is of the encoded bytes: it finds what was written badly without decoding; the id alone says whether
 * bytes are right.
 */
export const packHeaderBytes = 128;
export const packTrailerBytes = 64;
export const packEntryBytes = 56;

const headMagic = 'OBRZPACK';
const tailMagic = 'OBRZPEND';
const version = 1;
const kindNumbers = { chunk: 1, node: 2 } as const;
const encodingNumbers = { plain: 0, zstd: 1 } as const;

export type EntryKind = keyof typeof kindNumbers;
export type Encoding = keyof typeof encodingNumbers;

export interface PackEntry {
  readonly id: ChunkId;
  readonly kind: EntryKind;
  readonly encoding: Encoding;
  readonly offset: number;
  readonly encodedLength: number;
  readonly plainLength: number;
  readonly crc: number;
}

/** The bytes are not those of a pack. */
export class PackBroken extends Error {
  constructor(fact: string) {
    super(`pack: ${fact}`);
    this.name = 'PackBroken';
  }
}

export function encodePackHeader(domainId: string): Uint8Array {
  const name = Buffer.from(domainId, 'utf8');
  const bytes = Buffer.alloc(packHeaderBytes);
  if (name.byteLength > packHeaderBytes - 16) throw new RangeError(`a domain's name of ${name.byteLength} bytes`);
  bytes.write(headMagic, 0, 'latin1');
  bytes.writeUInt32LE(version, 8);
  bytes.writeUInt32LE(name.byteLength, 12);
  name.copy(bytes, 16);
  return bytes;
}

/** The domain that the pack's chunks belong to. */
export function decodePackHeader(header: Uint8Array): string {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  if (bytes.toString('latin1', 0, 8) !== headMagic) throw new PackBroken('no magic at its start');
  if (bytes.readUInt32LE(8) !== version) throw new PackBroken(`version ${bytes.readUInt32LE(8)}`);
  const length = bytes.readUInt32LE(12);
  if (length > packHeaderBytes - 16) throw new PackBroken(`a domain's name of ${length} bytes`);
  return bytes.toString('utf8', 16, 16 + length);
}

/** The index and trailer of a pack whose entries end at `indexOffset`. */
export function encodePackEnd(entries: readonly PackEntry[], indexOffset: number): Uint8Array {
  const indexBytes = entries.length * packEntryBytes;
  const bytes = Buffer.alloc(indexBytes + packTrailerBytes);
  for (const [number, entry] of entries.entries()) {
    const place = number * packEntryBytes;
    bytes.set(entry.id, place);
    bytes.writeBigUInt64LE(BigInt(entry.offset), place + 32);
    bytes.writeUInt32LE(entry.encodedLength, place + 40);
    bytes.writeUInt32LE(entry.plainLength, place + 44);
    bytes.writeUInt8(kindNumbers[entry.kind], place + 48);
    bytes.writeUInt8(encodingNumbers[entry.encoding], place + 49);
    bytes.writeUInt32LE(entry.crc, place + 52);
  }
  bytes.write(tailMagic, indexBytes, 'latin1');
  bytes.writeBigUInt64LE(BigInt(indexOffset), indexBytes + 8);
  bytes.writeUInt32LE(entries.length, indexBytes + 16);
  bytes.set(hash('sha256', bytes.subarray(0, indexBytes), 'buffer'), indexBytes + 24);
  return bytes;
}

/** What a pack's last 64 bytes say of its index. */
export interface PackTrailer {
  readonly indexOffset: number;
  readonly entryCount: number;
  readonly indexDigest: Uint8Array;
}

export function decodePackTrailer(trailer: Uint8Array, packBytes: number): PackTrailer {
  const bytes = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (bytes.byteLength !== packTrailerBytes) throw new PackBroken(`a trailer of ${bytes.byteLength} bytes`);
  if (bytes.toString('latin1', 0, 8) !== tailMagic) throw new PackBroken('no magic at its end');
  const entryCount = bytes.readUInt32LE(16);
  const indexOffset = Number(bytes.readBigUInt64LE(8));
  if (indexOffset + entryCount * packEntryBytes + packTrailerBytes !== packBytes) {
    throw new PackBroken(`an index of ${entryCount} entries at ${indexOffset} in ${packBytes} bytes`);
  }
  return { indexOffset, entryCount, indexDigest: Uint8Array.from(bytes.subarray(24, 56)) };
}

/** The entries of an index, each checked to lie between the header and the index. */
export function decodePackIndex(index: Uint8Array, trailer: PackTrailer): PackEntry[] {
  const bytes = Buffer.from(index.buffer, index.byteOffset, index.byteLength);
  if (!hash('sha256', bytes, 'buffer').equals(trailer.indexDigest)) throw new PackBroken('the index is damaged');
  const entries: PackEntry[] = [];
  for (let place = 0; place < bytes.byteLength; place += packEntryBytes) {
    const entry: PackEntry = {
      id: Uint8Array.from(bytes.subarray(place, place + chunkIdBytes)),
      offset: Number(bytes.readBigUInt64LE(place + 32)),
      encodedLength: bytes.readUInt32LE(place + 40),
      plainLength: bytes.readUInt32LE(place + 44),
      kind: nameOf(kindNumbers, bytes.readUInt8(place + 48)),
      encoding: nameOf(encodingNumbers, bytes.readUInt8(place + 49)),
      crc: bytes.readUInt32LE(place + 52),
    };
    if (entry.offset < packHeaderBytes || entry.offset + entry.encodedLength > trailer.indexOffset) {
      throw new PackBroken(`an entry of ${entry.encodedLength} bytes at ${entry.offset}`);
    }
    entries.push(entry);
  }
  return entries;
}

function nameOf<Name extends string>(numbers: Readonly<Record<Name, number>>, number: number): Name {
  for (const name of Object.keys(numbers) as Name[]) if (numbers[name] === number) return name;
  throw new PackBroken(`an entry with the unknown number ${number}`);
}
