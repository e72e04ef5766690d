/**
 * Counts values by size, for latencies: a few additions for each value, and a fixed few numbers in memory, however many
 * values there are.
 */
export class Histogram {
  /** Upper bounds, each included, in ascending order; values above the last have a place of their own. */
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    let place = 0;
    while (place < this.bounds.length && value > (this.bounds[place] ?? 0)) place += 1;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#sum += value;
  }

  /** How many values have come. */
  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  /** Of all values. */
  get sum(): number {
    return this.#sum;
  }

  /** How many values were at most as large as each bound, in the order of `bounds`. */
  atMost(): number[] {
    let total = 0;
    return this.bounds.map((_bound, place) => {
      total += this.#counts[place] ?? 0;
      return total;
    });
  }
}
