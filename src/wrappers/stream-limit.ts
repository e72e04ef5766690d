/** So many streams may a file have whatever is in them. */
const anyStreams = 250;

/** Beyond those, a stream holds so much on average. bgzip's, the smallest that programs write, hold 65,280 bytes. */
const leastBytesEach = 32 * 1024;

/**
 * Whether a packed file has more streams (gzip calls them members), one behind the other, than any program would write for
 * `bytes` that are in them. A stream takes as little as 14 bytes, and work to begin, whatever it holds: 0.24 ms in gzip,
 * measured, so that without a limit a file of 1 MiB takes 12 s.
 */
export function isTooManyStreams(streams: number, bytes: number): boolean {
  return streams > anyStreams + bytes / leastBytesEach;
}

/** The rest of a sentence. */
export function tooManyStreams(streams: number, bytes: number): string {
  return `it is cut into ${streams} streams or more, and the first of them hold only ${bytes} bytes`;
}
