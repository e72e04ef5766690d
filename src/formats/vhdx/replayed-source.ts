import type { ByteReadOptions, ByteSource } from '../byte-source.ts';

/** A part of the file that was written anew. Without `bytes` it is zeros. */
interface Patch {
  readonly start: number;
  readonly end: number;
  readonly bytes?: Uint8Array;
}

/** All that a log's replay writes: disjoint parts of the file, in order. */
export class Patches {
  readonly #sorted: Patch[] = [];

  /** Where the last part ends; 0 without any. */
  get end(): number {
    return this.#sorted.at(-1)?.end ?? 0;
  }

  /**
   * Writes over all that was written before. Parts with `bytes` are sectors, which later writes cover whole or not at
   * all. Moves what is behind: with 8192 parts, all there may be, 50 ms for all of them.
   */
  write(patch: Patch): void {
    const from = this.#firstEndingAfter(patch.start);
    let to = from;
    const before: Patch[] = [];
    const behind: Patch[] = [];
    for (let old = this.#sorted[to]; old !== undefined && old.start < patch.end; old = this.#sorted[++to]) {
      if (old.start < patch.start) before.push({ ...old, end: patch.start });
      if (old.end > patch.end) behind.push({ ...old, start: patch.end });
    }
    this.#sorted.splice(from, to - from, ...before, patch, ...behind);
  }

  /** Writes the parts that lie in `[offset, offset + target.length)` into `target`. */
  apply(target: Uint8Array, offset: number): void {
    const end = offset + target.length;
    for (let i = this.#firstEndingAfter(offset); ; i++) {
      const patch = this.#sorted[i];
      if (patch === undefined || patch.start >= end) return;
      const from = Math.max(patch.start, offset);
      const to = Math.min(patch.end, end);
      if (patch.bytes === undefined) target.fill(0, from - offset, to - offset);
      else target.set(patch.bytes.subarray(from - patch.start, to - patch.start), from - offset);
    }
  }

  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle]?.end ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * A file as it is once its log was replayed, which is done in memory: the file is only read. Where the replay makes the
 * file longer, it has zeros. The file stays its owner's, and disposing this does nothing.
 */
export class ReplayedSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: ByteSource;
  readonly #patches: Patches;

  constructor(file: ByteSource, patches: Patches, sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#file = file;
    this.#patches = patches;
  }

  async read(offset: number, length: number, options?: ByteReadOptions): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new RangeError(`Bytes ${offset} to ${offset + length} are not within ${this.sizeBytes}.`);
    }
    const bytes = await this.#readFile(offset, length, options);
    this.#patches.apply(bytes, offset);
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #readFile(offset: number, length: number, options?: ByteReadOptions): Promise<Uint8Array> {
    if (offset + length <= this.#file.sizeBytes) return await this.#file.read(offset, length, options);
    const inFile = Math.max(0, this.#file.sizeBytes - offset);
    const bytes = new Uint8Array(length);
    if (inFile > 0) bytes.set(await this.#file.read(offset, inFile, { signal: options?.signal }));
    return bytes;
  }
}
