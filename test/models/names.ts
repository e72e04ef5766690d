/** Gives each value that is different a number of its own, from 0 on. Plain data is the same when its JSON is. */
export class Names {
  readonly #byText = new Map<string, number>();

  of(value: unknown): number {
    const text = JSON.stringify(value);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const number = this.#byText.size;
    this.#byText.set(text, number);
    return number;
  }
}
