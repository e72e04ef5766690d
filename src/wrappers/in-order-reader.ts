import { createHash } from 'node:crypto';
import type { ByteSource } from '../formats/byte-source.ts';

/** Read at a time, and one such piece ahead. */
const pieceBytes = 4 * 1024 * 1024;

/** Given out at a time: a hash of so much holds the main thread for a millisecond. */
const chunkBytes = 1024 * 1024;

export interface InOrderOptions {
  readonly signal?: AbortSignal | undefined;
  /** So many bytes may be read without a word of `heard`... */
  readonly maxSilentBytes: number;
  /** ...and then this is thrown. */
  readonly onSilence: () => Error;
}

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Reads a source from front to back, the next piece while the last is used, and hashes what passes.
 *
 * One call at a time. What a call returned is the caller's until the next call.
 */
export class InOrderReader {
  readonly sizeBytes: number;
  /** What is read; it may be read out of order beside this. */
  readonly source: ByteSource;
  readonly #options: InOrderOptions;
  readonly #hash = createHash('sha256');
  #hashedBytes = 0;
  #position = 0;
  #heardAt = 0;
  #piece: Piece = { offset: 0, bytes: new Uint8Array(0) };
  #ahead: Promise<Piece> | undefined;

  constructor(source: ByteSource, options: InOrderOptions) {
    this.sizeBytes = source.sizeBytes;
    this.source = source;
    this.#options = options;
  }

  /** Bytes of the source that were taken. */
  get position(): number {
    return this.#position;
  }

  /** The next bytes, at most `limit` of them; undefined at the end. */
  async next(limit = chunkBytes): Promise<Uint8Array | undefined> {
    if (this.#position === this.sizeBytes) return undefined;
    if (this.#position - this.#heardAt > this.#options.maxSilentBytes) throw this.#options.onSilence();
    if (this.#position === this.#piece.offset + this.#piece.bytes.length) await this.#advance();
    const from = this.#position - this.#piece.offset;
    const chunk = this.#piece.bytes.subarray(from, from + Math.min(limit, chunkBytes));
    this.#position += chunk.length;
    const unhashed = this.#position - this.#hashedBytes;
    if (unhashed > 0) this.#hash.update(chunk.subarray(chunk.length - unhashed));
    this.#hashedBytes = Math.max(this.#hashedBytes, this.#position);
    return chunk;
  }

  /** What was read was of use: the count of silent bytes begins anew. */
  heard(): void {
    this.#heardAt = this.#position;
  }

  /** Exactly `length` bytes (little: they may be copied), or fewer at the source's end. */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let left = length; left > 0; ) {
      const part = await this.next(left);
      if (part === undefined) break;
      parts.push(part.slice());
      left -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** Gives back the last `length` bytes of what the last call of `next` returned. */
  giveBack(length: number): void {
    if (this.#position - length < this.#piece.offset) throw new RangeError(`${length} bytes were not just read`);
    this.#position -= length;
  }

  /** Reads what is left (little: it is behind the data), and returns the SHA-256 of the whole source in hexadecimal digits. May be called once. */
  async finish(): Promise<string> {
    while ((await this.next()) !== undefined);
    return this.#hash.digest('hex');
  }

  /** Waits for a read that is under way, so that the source can be closed. */
  async stop(): Promise<void> {
    await this.#ahead?.catch(() => {});
  }

  async #advance(): Promise<void> {
    const offset = this.#position;
    this.#piece = await (this.#ahead ?? this.#read(offset));
    const next = offset + this.#piece.bytes.length;
    this.#ahead = next < this.sizeBytes ? this.#read(next) : undefined;
    // It is asked for later, or never.
    this.#ahead?.catch(() => {});
  }

  async #read(offset: number): Promise<Piece> {
    const length = Math.min(pieceBytes, this.sizeBytes - offset);
    const into = new Uint8Array(length);
    return { offset, bytes: await this.source.read(offset, length, { signal: this.#options.signal, into }) };
  }
}
