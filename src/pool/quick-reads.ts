/** A read out of the page cache takes 3 to 5 microseconds here, from a fast disk 80 and more. */
const slowMs = 0.1;

/** After a slow read nothing is read at once for so long: a disk is waited for ten times a second at most. */
const restMs = 100;

/**
 * Whether small reads may be made at once, on this thread. A file that was read lately is in the page cache, where a
 * thread costs several times what the read does (docs/performance.md); one that is not would keep everybody waiting. The
 * system does not say beforehand which it is, so the reads are timed: a slow one sends those behind it to threads for a while.
 */
export class QuickReads {
  #restUntil = 0;
  readonly #now: () => number;

  /** @param now milliseconds, as `performance.now` */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  mayRead(): boolean {
    return this.#restUntil === 0 || this.#now() >= this.#restUntil;
  }

  /** Does the read, and learns from how long it took. */
  time<T>(read: () => T): T {
    const start = this.#now();
    try {
      return read();
    } finally {
      const end = this.#now();
      this.#restUntil = end - start > slowMs ? end + restMs : 0;
    }
  }
}
