import type { ByteSource, ReadOptions } from './byte-source.ts';
import type { FileRange } from './plan-reads.ts';

/** Reads in flight at once: hides the time of a round trip, and with reads of 4 MiB holds 16 MiB at most. */
const inFlight = 4;

/**
 * Reads `ranges`, several at once, and gives each to `use` as it arrives, in no particular order.
 *
 * When one fails, no further read begins; the error is thrown after those in flight have ended, so that nothing is
 * touched after this returns.
 */
export async function readRanges<Range extends FileRange>(
  source: ByteSource,
  ranges: readonly Range[],
  use: (range: Range, bytes: Uint8Array) => void,
  options?: ReadOptions,
): Promise<void> {
  const queue = ranges.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const range of queue) {
      if (failures.length > 0) return;
      try {
        use(range, await source.read(range.offset, range.length, options));
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, ranges.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
