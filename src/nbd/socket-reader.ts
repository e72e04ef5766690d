import type { Duplex } from 'node:stream';

/** Beyond this what comes in waits in the kernel, and soon in the client. */
const keptBytes = 128 * 1024;

/**
 * The bytes that a client sends, asked for by number. One asks at a time. Undefined or false says that the bytes never
 * come: the client ended its side, the connection is lost, or `stop` was called.
 *
 * A payload is copied once, from the chunks of the stream to where it was asked for.
 */
export class SocketReader {
  readonly #stream: Duplex;
  readonly #chunks: Buffer[] = [];
  /** Bytes of the first chunk that are used up. */
  #at = 0;
  #keptBytes = 0;
  #ended = false;
  #paused = false;
  #wake: (() => void) | undefined;
  /** Where what comes in goes while it is set; without one it is kept. */
  #into: { take(chunk: Buffer): number } | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onEnd);
  }

  /** The next bytes if they are here already. They are good until the next call. */
  take(length: number): Buffer | undefined {
    if (this.#keptBytes < length) return undefined;
    const first = this.#chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    const end = this.#at + length;
    if (end <= first.length) {
      const bytes = first.subarray(this.#at, end);
      this.#use(length);
      return bytes;
    }
    const bytes = Buffer.allocUnsafe(length);
    this.#moveInto(bytes, 0);
    return bytes;
  }

  /** The next bytes; only for few of them, as they are kept until they are complete. */
  async read(length: number): Promise<Buffer | undefined> {
    for (;;) {
      const bytes = this.take(length);
      if (bytes !== undefined) return bytes;
      if (this.#ended) return undefined;
      await this.#more();
    }
  }

  /** Fills the target. */
  async readInto(target: Buffer): Promise<boolean> {
    let filled = this.#moveInto(target, 0);
    return await this.#pour(
      () => filled === target.length,
      (chunk) => {
        const taken = chunk.copy(target, filled);
        filled += taken;
        return taken;
      },
    );
  }

  /** Reads past bytes. */
  async skip(length: number): Promise<boolean> {
    let left = length;
    const kept = Math.min(left, this.#keptBytes);
    this.#use(kept);
    left -= kept;
    return await this.#pour(
      () => left === 0,
      (chunk) => {
        const taken = Math.min(left, chunk.length);
        left -= taken;
        return taken;
      },
    );
  }

  /** Whoever asks gets no more bytes, not even those that are here. */
  stop(): void {
    this.detach();
    this.#chunks.length = 0;
    this.#keptBytes = 0;
    this.#onEnd();
  }

  /** Leaves the stream to another; says how many bytes were read of it and not asked for. They are gone. */
  detach(): number {
    this.#stream.off('data', this.#onData);
    this.#stream.off('end', this.#onEnd);
    this.#stream.off('close', this.#onEnd);
    this.#stream.pause();
    return this.#keptBytes;
  }

  async #pour(isDone: () => boolean, take: (chunk: Buffer) => number): Promise<boolean> {
    this.#into = { take };
    while (!isDone() && !this.#ended) await this.#more();
    this.#into = undefined;
    return isDone();
  }

  readonly #onData = (chunk: Buffer): void => {
    const taken = this.#into?.take(chunk) ?? 0;
    if (taken < chunk.length) {
      this.#chunks.push(taken === 0 ? chunk : chunk.subarray(taken));
      this.#keptBytes += chunk.length - taken;
      if (this.#keptBytes > keptBytes && !this.#paused) {
        this.#paused = true;
        this.#stream.pause();
      }
    }
    this.#wakeUp();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wakeUp();
  };

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Moves what is kept into the target from `at`, as far as either goes; says where that ended. */
  #moveInto(target: Buffer, at: number): number {
    let filled = at;
    while (filled < target.length) {
      const first = this.#chunks[0];
      if (first === undefined) break;
      const taken = first.copy(target, filled, this.#at);
      filled += taken;
      this.#use(taken);
    }
    return filled;
  }

  /** Lets go of kept bytes. */
  #use(length: number): void {
    this.#keptBytes -= length;
    this.#at += length;
    for (let first = this.#chunks[0]; first !== undefined && this.#at >= first.length; first = this.#chunks[0]) {
      this.#at -= first.length;
      this.#chunks.shift();
    }
    if (this.#paused && this.#keptBytes <= keptBytes) {
      this.#paused = false;
      this.#stream.resume();
    }
  }
}
