/** The bits ended where more were needed. */
export class BitsEnded extends Error {}

/** Reads bytes as bits, the highest of each byte first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  /** The next bits: the lowest `#held` of these, of which the last `#padded` stand for bits that there are not. */
  #bits = 0;
  #held = 0;
  #padded = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#at = 0;
  }

  /** Bits that were taken or passed. */
  get usedBits(): number {
    return this.#at * 8 - (this.#held - this.#padded);
  }

  /** The next `count` bits (at most 24) as a number, which stay where they are; behind the end there are zeros. */
  peek(count: number): number {
    while (this.#held < count) {
      if (this.#at < this.#bytes.length) {
        this.#bits = (this.#bits << 8) | (this.#bytes[this.#at] ?? 0);
        this.#at += 1;
      } else {
        this.#bits <<= 8;
        this.#padded += 8;
      }
      this.#held += 8;
    }
    return (this.#bits >>> (this.#held - count)) & ((1 << count) - 1);
  }

  /** Passes bits that were peeked at. @throws BitsEnded */
  pass(count: number): void {
    this.#held -= count;
    if (this.#held < this.#padded) throw new BitsEnded();
  }

  /** The next `count` bits, at most 24. @throws BitsEnded */
  take(count: number): number {
    const bits = this.peek(count);
    this.pass(count);
    return bits;
  }

  /** The next 32 bits. @throws BitsEnded */
  take32(): number {
    return ((this.take(16) << 16) | this.take(16)) >>> 0;
  }

  /** Passes what is left of a byte that was begun. */
  align(): void {
    this.pass((this.#held - this.#padded) % 8);
  }
}
