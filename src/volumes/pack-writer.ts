import { crc32 } from 'node:zlib';
import type { BlobStore, BlobWriter } from '../blobs/blob-store.ts';
import type { ChunkId } from './chunk-id.ts';
import {
  type Encoding,
  type EntryKind,
  encodePackEnd,
  encodePackHeader,
  PackBroken,
  type PackEntry,
  packHeaderBytes,
} from './pack-format.ts';
import { SpareMemory } from './spare-memory.ts';

/** A chunk or node, ready to be stored. */
export interface EncodedChunk {
  readonly id: ChunkId;
  readonly kind: EntryKind;
  readonly encoding: Encoding;
  readonly plainLength: number;
  readonly crc: number;
  readonly bytes: Uint8Array;
}

/** A pack that is durable, and what is in it. */
export interface SealedPack {
  readonly id: string;
  readonly sizeBytes: number;
  readonly entries: readonly PackEntry[];
}

/** Bytes read at once when a new pack is read back. */
const readBackBytes = 4 * 1024 * 1024;

/** Writes one pack. Its row is there before its first byte; the caller sees to that. Dispose it unless it was sealed. */
export class PackWriter implements AsyncDisposable {
  readonly id: string;
  readonly #blobs: BlobStore;
  readonly #blob: BlobWriter;
  readonly #entries: PackEntry[] = [];

  private constructor(id: string, blobs: BlobStore, blob: BlobWriter) {
    this.id = id;
    this.#blobs = blobs;
    this.#blob = blob;
  }

  static async open(blobs: BlobStore, id: string, domainId: string): Promise<PackWriter> {
    const blob = await blobs.create(id);
    const writer = new PackWriter(id, blobs, blob);
    try {
      await blob.append([encodePackHeader(domainId)]);
      return writer;
    } catch (error) {
      await blob[Symbol.asyncDispose]();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#blob.sizeBytes;
  }

  /** The bytes may be used again once it returns. */
  async append(chunks: readonly EncodedChunk[]): Promise<void> {
    let offset = this.#blob.sizeBytes;
    await this.#blob.append(chunks.map(({ bytes }) => bytes));
    for (const { id, kind, encoding, plainLength, crc, bytes } of chunks) {
      this.#entries.push({ id, kind, encoding, plainLength, crc, offset, encodedLength: bytes.byteLength });
      offset += bytes.byteLength;
    }
  }

  /** Makes the pack durable, and reads it back: what returns was seen to be there. */
  async seal(memory = new SpareMemory()): Promise<SealedPack> {
    const indexOffset = this.#blob.sizeBytes;
    await this.#blob.append([encodePackEnd(this.#entries, indexOffset)]);
    await this.#blob.seal();
    await this.#readBack(indexOffset, memory);
    return { id: this.id, sizeBytes: this.#blob.sizeBytes, entries: this.#entries };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blob[Symbol.asyncDispose]();
  }

  async #readBack(end: number, memory: SpareMemory): Promise<void> {
    let entry = 0;
    for (let offset = packHeaderBytes; offset < end; ) {
      // Whole entries only, as many as fit; a single one is at most 256 KiB or a node.
      let length = 0;
      const first = entry;
      for (let next = this.#entries[entry]; next !== undefined; next = this.#entries[entry]) {
        if (length > 0 && length + next.encodedLength > readBackBytes) break;
        length += next.encodedLength;
        entry += 1;
      }
      const bytes = await this.#blobs.read(this.id, offset, length, { into: memory.take(length), fresh: true });
      this.#check(first, entry, bytes, offset);
      offset += length;
    }
  }

  #check(first: number, end: number, bytes: Uint8Array, bytesOffset: number): void {
    for (const { offset, encodedLength, crc } of this.#entries.slice(first, end)) {
      const found = crc32(bytes.subarray(offset - bytesOffset, offset - bytesOffset + encodedLength));
      if (found !== crc) {
        throw new PackBroken(`${this.id}: the entry at ${offset} reads back with CRC-32 ${found}, written was ${crc}`);
      }
    }
  }
}
