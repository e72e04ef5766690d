import { abortReason } from './abort-reason.ts';

/** Part of a budget; dispose it to give it back. */
export interface Reservation extends Disposable {
  readonly bytes: number;
}

interface Waiting {
  readonly bytes: number;
  grant(reservation: Reservation): void;
}

/**
 * A number of bytes that many share. Who asks for more than is left waits, in the order of asking, and never
 * overshoots.
 *
 * To stay clear of deadlock, reserve once for the whole of a piece of work, not in steps.
 */
export class MemoryBudget {
  readonly totalBytes: number;
  #freeBytes: number;
  readonly #waiting: Waiting[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.#freeBytes = totalBytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** How many wait. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Waits for its turn. Throws RangeError for more than the whole budget, and the signal's reason when aborted. */
  async reserve(bytes: number, signal?: AbortSignal): Promise<Reservation> {
    if (bytes > this.totalBytes) {
      throw new RangeError(`${bytes} bytes asked of a budget of ${this.totalBytes}`);
    }
    signal?.throwIfAborted();
    if (this.#waiting.length === 0 && bytes <= this.#freeBytes) return this.#take(bytes);

    const { promise, resolve, reject } = Promise.withResolvers<Reservation>();
    const waiting: Waiting = { bytes, grant: resolve };
    this.#waiting.push(waiting);
    const giveUp = (): void => {
      const place = this.#waiting.indexOf(waiting);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      this.#grantNext(); // whoever stood behind this one may fit
      reject(abortReason(signal));
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  #take(bytes: number): Reservation {
    this.#freeBytes -= bytes;
    let given = false;
    return {
      bytes,
      [Symbol.dispose]: () => {
        if (given) return;
        given = true;
        this.#freeBytes += bytes;
        this.#grantNext();
      },
    };
  }

  #grantNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#freeBytes; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.grant(this.#take(next.bytes));
    }
  }
}
