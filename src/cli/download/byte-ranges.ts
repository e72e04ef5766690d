/** Bytes `[start, end)` of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A set of bytes, kept as sorted ranges that neither touch nor overlap. */
export class ByteRanges {
  readonly #ranges: { start: number; end: number }[] = [];

  constructor(ranges: Iterable<ByteRange> = []) {
    for (const { start, end } of ranges) this.add(start, end);
  }

  get ranges(): readonly ByteRange[] {
    return this.#ranges;
  }

  /** How many bytes are in the set. */
  get length(): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const first = this.#firstNotBefore(start);
    let last = first;
    let [from, to] = [start, end];
    for (let range = this.#ranges[last]; range !== undefined && range.start <= to; range = this.#ranges[++last]) {
      from = Math.min(from, range.start);
      to = Math.max(to, range.end);
    }
    this.#ranges.splice(first, last - first, { start: from, end: to });
  }

  /** The parts of `[start, end)` that are not in the set, in order. */
  *missing(start: number, end: number): Generator<ByteRange> {
    let from = start;
    for (let index = this.#firstNotBefore(start); from < end; index++) {
      const range = this.#ranges[index];
      const to = Math.min(range?.start ?? end, end);
      if (from < to) yield { start: from, end: to };
      from = range?.end ?? end;
    }
  }

  /** Index of the first range that ends at or behind `position`. */
  #firstNotBefore(position: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.end ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
