/** A list of numbers from 0 to 2^32 - 1 that grows, at four to eight bytes each. */
export class NumberList {
  #values = new Uint32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const longer = new Uint32Array(2 * this.#values.length);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  at(index: number): number {
    const value = this.#values[index];
    if (value === undefined || index >= this.#length) throw new RangeError(`there is no number ${index}`);
    return value;
  }

  /** All of them, as they are now. */
  values(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }
}
