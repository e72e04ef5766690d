import { zeroPlace } from './log-format.ts';

/** The entries of one log file's index, in the order of the log; three numbers each, as they stand in the file. */
export class IndexEntries {
  #numbers: Uint32Array<ArrayBuffer>;
  #length = 0;

  /** @param numbers entries to begin with; they are not copied */
  constructor(numbers: Uint32Array<ArrayBuffer> = new Uint32Array(0)) {
    this.#numbers = numbers;
    this.#length = numbers.length;
  }

  get count(): number {
    return this.#length / 3;
  }

  get numbers(): Uint32Array {
    return this.#numbers.subarray(0, this.#length);
  }

  /** @param place the block of the file that has the data */
  addData(block: number, place: number, checksum: number): void {
    this.#add(block, place, checksum);
  }

  addZeros(block: number, count: number): void {
    this.#add(block, zeroPlace, count);
  }

  #add(block: number, place: number, last: number): void {
    if (this.#length + 3 > this.#numbers.length) {
      const longer = new Uint32Array(Math.max(192, this.#numbers.length * 2));
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[this.#length] = block;
    this.#numbers[this.#length + 1] = place;
    this.#numbers[this.#length + 2] = last;
    this.#length += 3;
  }
}

export type IndexEntry =
  | { readonly kind: 'data'; readonly block: number; readonly place: number; readonly checksum: number }
  | { readonly kind: 'zeros'; readonly block: number; readonly count: number };

/** The entries one by one, in order. */
export function* entriesOf(numbers: Uint32Array): Iterable<IndexEntry> {
  for (let at = 0; at + 2 < numbers.length; at += 3) {
    const block = numbers[at] ?? 0;
    const place = numbers[at + 1] ?? 0;
    const last = numbers[at + 2] ?? 0;
    if (place === zeroPlace) yield { kind: 'zeros', block, count: last };
    else yield { kind: 'data', block, place, checksum: last };
  }
}
