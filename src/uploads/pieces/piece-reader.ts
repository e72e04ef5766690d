import { BlobFailed } from '../../blobs/blob-failed.ts';
import type { BlobStore } from '../../blobs/blob-store.ts';
import { LruMap } from '../../lib/lru-map.ts';
import { BytesLost } from '../../sources/bytes-lost.ts';
import { unlessAborted } from '../../sources/unless-aborted.ts';
import { type Piece, unitBytes } from './piece.ts';
import { areRight } from './unit-sums.ts';

export interface PieceReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Units that are kept for the next reads, of all pieces together: 16 MiB. */
const keptUnits = 64;
/** Who reads in order by little at a time gets so many units with one request: 1 MiB. */
const unitsAhead = 4;

/**
 * Reads pieces. Not a byte of one is given out before its unit was held against its sum; a unit that does not match is
 * asked for once more, as the answer may have been wrong and not the blob.
 *
 * What is wanted of a whole unit goes straight to who reads. A unit of which only a part is wanted is kept a while: the
 * next read likely begins in it, and a format's tables are read by a few bytes at a time.
 */
export class PieceReader {
  readonly #blobs: BlobStore;
  /** By blob and unit; also those on their way, so that one request is enough for all who want the same. */
  readonly #units = new LruMap<string, Promise<Uint8Array>>(keptUnits);

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** Fills `target` with the piece's bytes from `offset`, which it must have. Throws BytesLost, BlobFailed. */
  async fill(piece: Piece, offset: number, target: Uint8Array, options: PieceReadOptions = {}): Promise<void> {
    const end = offset + target.length;
    // The last unit of a piece is whole when it is read to the piece's end.
    const endWhole = end === piece.sizeBytes ? end : Math.floor(end / unitBytes) * unitBytes;
    const from = Math.min(end, Math.ceil(offset / unitBytes) * unitBytes);
    const to = Math.max(from, endWhole);
    const part = (start: number, stop: number) => target.subarray(start - offset, stop - offset);
    await Promise.all([
      this.#fillPart(piece, offset, part(offset, from), options),
      this.#fillUnits(piece, from / unitBytes, part(from, to), options),
      this.#fillPart(piece, to, part(to, end), options),
    ]);
  }

  /** A part of one unit. */
  async #fillPart(piece: Piece, offset: number, target: Uint8Array, { signal }: PieceReadOptions): Promise<void> {
    if (target.length === 0) return;
    const unit = Math.floor(offset / unitBytes);
    const reading = this.#unit(piece, unit);
    const bytes = await (signal === undefined ? reading : unlessAborted(reading, signal));
    const start = offset - unit * unitBytes;
    target.set(bytes.subarray(start, start + target.length));
  }

  /** Whole units, into the reader's own memory where a blob can be read into it. */
  async #fillUnits(piece: Piece, first: number, target: Uint8Array, options: PieceReadOptions): Promise<void> {
    if (target.length === 0) return;
    const into = isShared(target) ? target : undefined;
    const bytes = await this.#fetch(piece, first, target.length, { ...options, into });
    if (bytes !== target) target.set(bytes);
  }

  /** Not ended by one reader's signal: others may wait for it. */
  #unit(piece: Piece, unit: number): Promise<Uint8Array> {
    const known = this.#units.get(keyOf(piece, unit));
    if (known !== undefined) return known;
    const isInOrder = unit > 0 && this.#units.get(keyOf(piece, unit - 1)) !== undefined;
    const units = Math.min(isInOrder ? unitsAhead : 1, Math.ceil(piece.sizeBytes / unitBytes) - unit);
    const length = Math.min(units * unitBytes, piece.sizeBytes - unit * unitBytes);
    const fetched = this.#fetch(piece, unit, length, {});
    let wanted = fetched;
    for (let index = 0; index < units; index += 1) {
      const key = keyOf(piece, unit + index);
      // A copy: the others that came with it need not stay for as long as it.
      const bytes = fetched.then((all) => all.slice(index * unitBytes, (index + 1) * unitBytes));
      bytes.catch(() => this.#units.delete(key));
      this.#units.set(key, bytes);
      if (index === 0) wanted = bytes;
    }
    return wanted;
  }

  async #fetch(
    piece: Piece,
    first: number,
    length: number,
    options: PieceReadOptions & { readonly into?: Uint8Array<SharedArrayBuffer> | undefined },
  ): Promise<Uint8Array> {
    const { blobName, sums } = piece;
    try {
      for (const isLast of [false, true]) {
        const bytes = await this.#blobs.read(blobName, first * unitBytes, length, options);
        if (areRight(bytes, first, sums)) return bytes;
        if (isLast) throw new BytesLost(`blob ${blobName} has other bytes than were written`);
      }
    } catch (error) {
      const isGone = error instanceof BlobFailed && (error.failure === 'missing' || error.failure === 'short');
      throw isGone ? new BytesLost(`blob ${blobName} is gone, or a part of it`, { cause: error }) : error;
    }
    throw new Error('unreachable');
  }
}

function isShared(bytes: Uint8Array): bytes is Uint8Array<SharedArrayBuffer> {
  return bytes.buffer instanceof SharedArrayBuffer;
}

function keyOf({ blobName }: Piece, unit: number): string {
  return `${blobName}/${unit}`;
}
