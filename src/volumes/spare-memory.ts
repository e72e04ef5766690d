const mebibyte = 1024 * 1024;

/**
 * Memory that threads can share, given out again and again. Fresh memory for each use would stay until the collectors
 * of all threads that saw it have run, and they don't count shared memory as a reason to run.
 */
export class SpareMemory {
  #bytes = new Uint8Array(new SharedArrayBuffer(0));

  /** The same memory every time, as far as it is long enough: nobody may use what was given out before any more. */
  take(length: number): Uint8Array<SharedArrayBuffer> {
    if (this.#bytes.byteLength < length) {
      this.#bytes = new Uint8Array(new SharedArrayBuffer(Math.ceil(length / mebibyte) * mebibyte));
    }
    return this.#bytes.subarray(0, length);
  }
}
