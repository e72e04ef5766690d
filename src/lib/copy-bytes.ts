/**
 * Puts all of `source` into `target` at `offset`, as `target.set` does.
 *
 * In shared memory `set` copies byte by byte unless both ends lie on borders of words: 4 GB/s here, where this is 36.
 */
export function copyBytes(source: Uint8Array, target: Uint8Array, offset = 0): void {
  if (offset + source.byteLength > target.byteLength) {
    throw new RangeError(`${source.byteLength} bytes at ${offset} leave ${target.byteLength}`);
  }
  Buffer.from(source.buffer, source.byteOffset, source.byteLength).copy(target, offset);
}
