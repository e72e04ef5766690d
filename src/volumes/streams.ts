import { LruMap } from '../lib/lru-map.ts';

/** Several may read one device in order, each from a place of its own: the connections of a copy, the files of a guest. */
const streamsKept = 16;

/**
 * Knows who reads a device in order: whose read begins where an earlier one ended, or where the device does. In bytes, or in
 * whatever the device is cut into.
 */
export class Streams {
  /** Where a read in order would begin. */
  readonly #ends = new LruMap<number, true>(streamsKept);

  constructor() {
    this.#ends.set(0, true);
  }

  /** Notes a read; true if it goes on where one ended. */
  follow(offset: number, end: number): boolean {
    const isInOrder = this.#ends.get(offset) === true;
    if (isInOrder) this.#ends.delete(offset);
    this.#ends.set(end, true);
    return isInOrder;
  }
}
