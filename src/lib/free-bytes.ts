/**
 * Gives the memory of `bytes` back at once, in place of leaving it to the collector, which lets tens of megabytes of
 * such memory gather on each thread. Nobody may look at `bytes` after that.
 *
 * `allocated` is what their maker is known to allocate for them: memory of any other length is shared with others
 * (Node cuts small buffers from a pool), and left alone.
 */
export function freeBytes({ buffer }: Uint8Array, allocated: number): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === allocated) buffer.transfer(0);
}
