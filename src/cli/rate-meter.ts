/** Long enough to be steady, short enough to follow what happens. */
const windowMs = 5000;

/** Bytes per second over the last seconds. */
export interface RateMeter {
  add(bytes: number): void;
  bytesPerSecond(): number;
}

export function createRateMeter(now: () => number = Date.now): RateMeter {
  const startedAt = now();
  const recent: { at: number; bytes: number }[] = [];
  let sum = 0;
  return {
    add(bytes) {
      const last = recent.at(-1);
      // Samples of a tenth of a second: enough for a bar, and few.
      if (last !== undefined && now() - last.at < 100) last.bytes += bytes;
      else recent.push({ at: now(), bytes });
      sum += bytes;
    },
    bytesPerSecond() {
      while (recent[0] !== undefined && now() - recent[0].at > windowMs) sum -= recent.shift()?.bytes ?? 0;
      const seconds = Math.min(now() - startedAt, windowMs) / 1000;
      return seconds < 0.1 ? 0 : sum / seconds;
    },
  };
}
