const smallestBytes = 64 * 1024;

/** What is kept for the next who asks; a reader of a volume has 1.5 MiB at a time. */
const maxSpareBytes = 16 * 1024 * 1024;

/**
 * Memory for what threads share, used again. No collector counts shared memory as a reason to run, and a piece is free
 * only when those of all threads that saw it have run: a download of 600 MB let 440 MiB gather.
 */
export class SharedMemoryPool {
  readonly #spare = new Map<number, SharedArrayBuffer[]>();
  #spareBytes = 0;

  /** Memory of that length, with whatever its last user left in it. */
  lend(length: number): Uint8Array<SharedArrayBuffer> {
    const sizeBytes = Math.max(smallestBytes, 2 ** Math.ceil(Math.log2(length)));
    const spare = this.#spare.get(sizeBytes)?.pop();
    if (spare !== undefined) this.#spareBytes -= sizeBytes;
    return new Uint8Array(spare ?? new SharedArrayBuffer(sizeBytes), 0, length);
  }

  /**
   * For when nobody, and no thread, looks at it any more. After a failure that is seldom sure: what is never given back
   * is left to the collectors.
   */
  giveBack({ buffer }: Uint8Array<SharedArrayBuffer>): void {
    if (this.#spareBytes + buffer.byteLength > maxSpareBytes) return;
    this.#spare.set(buffer.byteLength, [...(this.#spare.get(buffer.byteLength) ?? []), buffer]);
    this.#spareBytes += buffer.byteLength;
  }
}
