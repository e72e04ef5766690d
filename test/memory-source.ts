import type { ByteSource, ReadOptions } from '../src/formats/byte-source.ts';

/** Bytes in memory as a source; remembers what was read of them. */
export class MemorySource implements ByteSource {
  readonly sizeBytes: number;
  readonly reads: { offset: number; length: number }[] = [];
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.sizeBytes = bytes.length;
  }

  async read(offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    options?.signal?.throwIfAborted();
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new RangeError(`Bytes ${offset} to ${offset + length} are not within ${this.sizeBytes}.`);
    }
    this.reads.push({ offset, length });
    return new Uint8Array(this.#bytes.subarray(offset, offset + length));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
