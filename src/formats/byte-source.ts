/** Options of everything that waits for bytes. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of a read of bytes. */
export interface ByteReadOptions extends ReadOptions {
  /** Memory for the answer, of just its length, that the caller has to spare; a source may use it or its own. */
  readonly into?: Uint8Array | undefined;
}

/**
 * The bytes of a file from outside, wherever they are: the only I/O a format reader ever does.
 *
 * `read` may be called many times at once and in any order. Whoever opened the source disposes it.
 */
export interface ByteSource extends AsyncDisposable {
  /** Length of the file in bytes; does not change while the source is open. */
  readonly sizeBytes: number;

  /**
   * Returns exactly `length` bytes from `offset`, or throws: never fewer, never other bytes.
   * The range must lie within the file; the bytes belong to the caller.
   */
  read(offset: number, length: number, options?: ByteReadOptions): Promise<Uint8Array>;

  /**
   * The ranges of `[offset, offset + length)` that may hold anything but zeros, in order, not overlapping. Left out by a
   * source that can't tell.
   */
  dataRanges?(offset: number, length: number): Iterable<{ readonly offset: number; readonly length: number }>;
}
