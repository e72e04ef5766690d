/** Bytes that come in chunks, as a decoder wants them: so many at a time, looked at before they are passed. */
export class InputBuffer {
  readonly #next: () => Promise<Uint8Array | undefined>;
  #bytes = new Uint8Array(0);
  #from = 0;
  #position = 0;
  #ended = false;

  /** @param next gives the next chunk, undefined at the end */
  constructor(next: () => Promise<Uint8Array | undefined>) {
    this.#next = next;
  }

  /** Bytes that were passed. */
  get position(): number {
    return this.#position;
  }

  /** The next `length` bytes, or what is left of the input; they are the caller's until the next call. */
  async peek(length: number): Promise<Uint8Array> {
    while (!this.#ended && this.#bytes.length - this.#from < length) {
      const chunk = await this.#next();
      if (chunk === undefined) this.#ended = true;
      else this.#append(chunk);
    }
    return this.#bytes.subarray(this.#from, this.#from + length);
  }

  /** Passes bytes that were looked at. */
  pass(length: number): void {
    this.#from += length;
    this.#position += length;
  }

  #append(chunk: Uint8Array): void {
    const left = this.#bytes.subarray(this.#from);
    const bytes = new Uint8Array(left.length + chunk.length);
    bytes.set(left);
    bytes.set(chunk, left.length);
    this.#bytes = bytes;
    this.#from = 0;
  }
}
