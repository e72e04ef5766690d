import type { Socket } from 'node:net';
import type { NbdLimits } from './nbd-limits.ts';

/**
 * Sends replies. What is ready in one turn of the event loop goes out in one system call: under many small requests
 * that is worth more than anything else here.
 *
 * Knows since when the client should have taken what it was sent.
 */
export class ReplyWriter {
  readonly #stream: Socket;
  readonly #limits: NbdLimits;
  /** When each piece that is not taken yet has to be, oldest first: milliseconds of `performance.now`. */
  readonly #deadlines: number[] = [];
  #pendingBytes = 0;
  #corked = false;

  constructor(stream: Socket, limits: NbdLimits) {
    this.#stream = stream;
    this.#limits = limits;
  }

  /** Sends bytes, which must not change until `taken` is called: with true if the client's machine or ours has them. */
  write(bytes: Buffer, taken: (isSent: boolean) => void): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      setImmediate(this.#uncork);
    }
    this.#pendingBytes += bytes.length;
    this.#deadlines.push(performance.now() + allowedMs(this.#limits, this.#pendingBytes));
    this.#stream.write(bytes, (error) => {
      this.#pendingBytes -= bytes.length;
      this.#deadlines.shift();
      taken(error == null);
    });
  }

  /** Whether the client takes too long. */
  isStalled(now: number): boolean {
    const oldest = this.#deadlines[0];
    return oldest !== undefined && now > oldest;
  }

  readonly #uncork = (): void => {
    this.#corked = false;
    this.#stream.uncork();
  };
}

/** How long a client may take to send or to take as many bytes. */
export function allowedMs({ stallMs, slowestBytesPerSecond }: NbdLimits, bytes: number): number {
  return stallMs + (bytes / slowestBytesPerSecond) * 1000;
}
