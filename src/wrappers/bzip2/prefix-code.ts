import type { BitReader } from './bit-reader.ts';
import { Bzip2Damaged } from './bzip2-damaged.ts';

export const longestCode = 20;

/** A canonical prefix code: shorter codes first, and among those of one length the lower symbols. */
export class PrefixCode {
  /** By length: the first value of `longestCode` bits that is above all codes of that length and shorter ones. */
  readonly #limits = new Int32Array(longestCode + 2);
  /** By length: what to add to a code's value for its place in `#symbols`. */
  readonly #bases = new Int32Array(longestCode + 2);
  readonly #symbols: Uint16Array;
  readonly #shortest: number;

  /** @param lengths of the code of each symbol, 1 to 20 */
  constructor(lengths: Uint8Array) {
    const counts = new Uint16Array(longestCode + 2);
    for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
    this.#shortest = lengths.reduce((least, length) => Math.min(least, length), longestCode);
    this.#symbols = new Uint16Array(lengths.length);
    let place = 0;
    let code = 0;
    for (let length = this.#shortest; length <= longestCode; length++) {
      this.#bases[length] = place - code;
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] === length) this.#symbols[place++] = symbol;
      }
      code += counts[length] ?? 0;
      // More codes than fit would be two symbols in one.
      if (code > 2 ** length) throw new Bzip2Damaged('a table has more codes than there can be');
      this.#limits[length] = code * 2 ** (longestCode - length);
      code *= 2;
    }
  }

  /** The symbol whose code comes next. */
  read(bits: BitReader): number {
    const next = bits.peek(longestCode);
    let length = this.#shortest;
    while (next >= (this.#limits[length] ?? 0)) {
      length += 1;
      if (length > longestCode) throw new Bzip2Damaged('there is a code that no table has');
    }
    bits.pass(length);
    return this.#symbols[(next >>> (longestCode - length)) + (this.#bases[length] ?? 0)] ?? 0;
  }
}
