import type { ByteSource, ReadOptions } from './byte-source.ts';
import type { FileRange } from './plan-reads.ts';

/** In flight at once, which hides the time of a round trip: so many bytes, or four reads if they are long. */
const bytesInFlight = 16 * 1024 * 1024;
const readsInFlight = { least: 4, most: 16 };

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
  const longest = ranges.reduce((most, { length }) => Math.max(most, length), 1);
  const fitting = Math.min(readsInFlight.most, Math.max(readsInFlight.least, Math.floor(bytesInFlight / longest)));
  await Promise.all(Array.from({ length: Math.min(fitting, ranges.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
