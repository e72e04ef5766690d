/** Held until it is called. */
export type Unlock = () => void;

interface Range {
  readonly start: number;
  readonly end: number;
  readonly released: Promise<void>;
}

/**
 * Locks on ranges of blocks. Who asks waits for everybody who asked earlier for any block of the range, so nobody waits
 * for ever, and a lock on everything is a point in time.
 */
export class RangeLocks {
  readonly #ranges = new Set<Range>();

  /** @param end the first block that is not in the range */
  async lock(start: number, end: number): Promise<Unlock> {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const range: Range = { start, end, released };
    const before: Promise<void>[] = [];
    for (const other of this.#ranges) if (other.start < end && start < other.end) before.push(other.released);
    this.#ranges.add(range);
    if (before.length > 0) await Promise.all(before);
    return () => {
      this.#ranges.delete(range);
      resolve();
    };
  }
}
