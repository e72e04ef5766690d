/** Bytes that are gathered together first of all, and all that a request has for sure. */
export const chunkBytes = 256 * 1024;

/**
 * Memory for bytes on their way into pieces, shared by all requests, in chunks. Each gathering has its first chunk
 * beyond the limit, so that every request goes on, if only in small pieces, however many there are.
 */
export class GatherMemory {
  readonly #chunks: number;
  #taken = 0;
  readonly #spare: Uint8Array[] = [];

  constructor(limitBytes: number) {
    this.#chunks = Math.floor(limitBytes / chunkBytes);
  }

  /** Undefined when all is taken, and this is not the first. */
  take({ isFirst }: { readonly isFirst: boolean }): Uint8Array | undefined {
    if (!isFirst && this.#taken >= this.#chunks) return undefined;
    this.#taken += 1;
    return this.#spare.pop() ?? new Uint8Array(chunkBytes);
  }

  /** Nobody looks at them any more. */
  giveBack(chunks: readonly Uint8Array[]): void {
    this.#taken -= chunks.length;
    for (const chunk of chunks) if (this.#spare.length < this.#chunks) this.#spare.push(chunk);
  }
}

/** Bytes that came one after the other and are to be one piece. */
export class Gather {
  readonly #memory: GatherMemory;
  readonly #chunks: Uint8Array[] = [];
  #lengthBytes = 0;

  constructor(memory: GatherMemory) {
    this.#memory = memory;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Takes a copy of the first of the bytes, up to `most` in all; returns how many. Fewer when there is no memory. */
  add(bytes: Uint8Array, most: number): number {
    const wanted = Math.min(bytes.length, most - this.#lengthBytes);
    for (let done = 0; done < wanted; ) {
      const place = this.#lengthBytes % chunkBytes;
      const chunk = place > 0 ? this.#chunks.at(-1) : this.#next();
      if (chunk === undefined) return done;
      const some = bytes.subarray(done, Math.min(wanted, done + chunkBytes - place));
      chunk.set(some, place);
      done += some.length;
      this.#lengthBytes += some.length;
    }
    return wanted;
  }

  *pieces(): Iterable<Uint8Array> {
    for (const [index, chunk] of this.#chunks.entries())
      yield chunk.subarray(0, this.#lengthBytes - index * chunkBytes);
  }

  /** Gives the memory back. May be repeated. */
  release(): void {
    this.#memory.giveBack(this.#chunks.splice(0));
    this.#lengthBytes = 0;
  }

  #next(): Uint8Array | undefined {
    const chunk = this.#memory.take({ isFirst: this.#chunks.length === 0 });
    if (chunk !== undefined) this.#chunks.push(chunk);
    return chunk;
  }
}
