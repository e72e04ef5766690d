import { copyBytes } from '../lib/copy-bytes.ts';
import type { StoredDevice } from './stored-device.ts';

/** What is read at a time. A chunk across the border of two pieces is decoded for both: of pieces of 1 MiB that is a tenth of the work. */
export const pieceBytes = 4 * 1024 * 1024;

/** Pieces that wait for whoever reads in order: 64 MiB, of all volumes together. */
const piecesKept = 16;

/** Memory that is kept for the next pieces: to take a new megabyte from the system costs as much as to decode one. */
const piecesSpare = 4;

interface Piece {
  /** Shared, so that threads decode into it. */
  readonly bytes: Buffer;
  readonly reading: Promise<void>;
  /** Those who copy of it, or are going to. */
  users: number;
  /** Whether it can still be found. */
  isKept: boolean;
  isRead: boolean;
}

/** Pieces of volumes that were read before somebody asked for them. Each is let go when it was read to its end. */
export class ReadAhead {
  /** By volume and place, the oldest first. */
  readonly #pieces = new Map<string, Piece>();
  readonly #spare: Buffer[] = [];

  /** Reads a piece, unless it is there or on its way. What fails is told to whoever wants it, and not remembered. */
  start(device: StoredDevice, volumeId: string, index: number): void {
    const key = keyOf(volumeId, index);
    const offset = index * pieceBytes;
    if (this.#pieces.has(key) || offset >= device.sizeBytes) return;
    const bytes = this.#spare.pop() ?? Buffer.from(new SharedArrayBuffer(pieceBytes));
    const reading = device.readAt(bytes.subarray(0, Math.min(pieceBytes, device.sizeBytes - offset)), offset);
    const piece: Piece = { bytes, reading, users: 0, isKept: true, isRead: false };
    this.#pieces.set(key, piece);
    reading.then(
      () => {
        piece.isRead = true;
        this.#reuse(piece);
      },
      () => this.#letGo(key, piece),
    );
    for (const [oldest, other] of this.#pieces) {
      if (this.#pieces.size <= piecesKept) break;
      this.#letGo(oldest, other);
    }
  }

  has(volumeId: string, index: number): boolean {
    return this.#pieces.has(keyOf(volumeId, index));
  }

  /** Copies bytes of a piece that is there, from `from` on; one that is read to its end is let go. */
  async copy(volumeId: string, index: number, from: number, target: Uint8Array): Promise<void> {
    const key = keyOf(volumeId, index);
    const piece = this.#pieces.get(key);
    if (piece === undefined) throw new Error(`there is no piece ${key}`);
    piece.users += 1;
    if (from + target.byteLength === pieceBytes) this.#letGo(key, piece); // nobody comes back for it
    try {
      await piece.reading;
      copyBytes(piece.bytes.subarray(from, from + target.byteLength), target);
    } finally {
      piece.users -= 1;
      this.#reuse(piece);
    }
  }

  #letGo(key: string, piece: Piece): void {
    if (this.#pieces.get(key) === piece) this.#pieces.delete(key);
    piece.isKept = false;
    this.#reuse(piece);
  }

  /** Not the memory of a read that failed: somebody may still have a hand in it. */
  #reuse({ bytes, users, isKept, isRead }: Piece): void {
    if (!isKept && isRead && users === 0 && this.#spare.length < piecesSpare) this.#spare.push(bytes);
  }
}

function keyOf(volumeId: string, index: number): string {
  return `${volumeId} ${index}`;
}
