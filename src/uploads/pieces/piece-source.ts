import type { Queryable } from '../../db/database.ts';
import type { ByteReadOptions, ByteSource } from '../../formats/byte-source.ts';
import { LruMap } from '../../lib/lru-map.ts';
import { BytesLost } from '../../sources/bytes-lost.ts';
import { checkRange } from '../../sources/file-source.ts';
import type { Upload } from '../upload.ts';
import { type Piece, slotBytes } from './piece.ts';
import type { PieceReader } from './piece-reader.ts';
import { listPieces } from './piece-rows.ts';

/** Rows of so many slots are looked up at once, 512 MiB of the upload, */
const slotsAtOnce = 64;
/** and so many such groups remembered: a few hundred kilobytes, for however long an upload. */
const keptGroups = 16;
const groupBytes = slotsAtOnce * slotBytes;

/** The durable bytes of an upload, read from its pieces. Nothing is open, so there is nothing to dispose. */
export class PieceSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #uploadId: string;
  readonly #db: Queryable;
  readonly #reader: PieceReader;
  readonly #groups = new LruMap<number, Promise<readonly Piece[]>>(keptGroups);

  constructor(db: Queryable, reader: PieceReader, { id, durableBytes }: Pick<Upload, 'id' | 'durableBytes'>) {
    this.#db = db;
    this.#reader = reader;
    this.#uploadId = id;
    this.sizeBytes = durableBytes;
  }

  async read(offset: number, length: number, { signal, into }: ByteReadOptions = {}): Promise<Uint8Array> {
    checkRange(this.sizeBytes, offset, length);
    signal?.throwIfAborted();
    const bytes = into ?? new Uint8Array(new SharedArrayBuffer(length));
    const parts = await this.#findParts(offset, length);
    await Promise.all(
      parts.map(({ piece, start, end }) => {
        const target = bytes.subarray(start - offset, end - offset);
        return this.#reader.fill(piece, start - piece.start, target, { signal });
      }),
    );
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The pieces that a range is in, without a gap. Throws BytesLost when they are not all there. */
  async #findParts(offset: number, length: number): Promise<Part[]> {
    const parts: Part[] = [];
    let start = offset;
    for (let group = Math.floor(offset / groupBytes); start < offset + length; group += 1) {
      for (const piece of await this.#group(group)) {
        if (piece.start > start || start >= offset + length) break;
        const end = Math.min(piece.start + piece.sizeBytes, offset + length);
        if (end <= start) continue;
        parts.push({ piece, start, end });
        start = end;
      }
      if (start < Math.min((group + 1) * groupBytes, offset + length)) {
        throw new BytesLost(`there is no piece of upload ${this.#uploadId} at ${start}`);
      }
    }
    return parts;
  }

  #group(group: number): Promise<readonly Piece[]> {
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    const range = { start: group * groupBytes, end: (group + 1) * groupBytes };
    const pieces = listPieces(this.#db, { uploadId: this.#uploadId, ...range });
    this.#groups.set(group, pieces);
    pieces.catch(() => this.#groups.delete(group));
    return pieces;
  }
}

/** What of a piece is wanted, counted from the upload's first byte. */
interface Part {
  readonly piece: Piece;
  readonly start: number;
  readonly end: number;
}
