import { setTimeout as delay } from 'node:timers/promises';

/** Keeps work in the background from taking all of a disk: so many bytes a second and no more. */
export interface Pace {
  /** Returns when these bytes may be spent; throws when the signal is aborted. */
  spend(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** What was not spent lately may be spent at once, but no more than a second's worth of it. */
const burstMs = 1_000;

/** @param bytesPerSecond 0 for no limit */
export function createPace(bytesPerSecond: number): Pace {
  /** The moment at which all that was spent so far is paid for. */
  let paidAt = 0;
  return {
    async spend(bytes, signal) {
      signal?.throwIfAborted();
      if (bytesPerSecond <= 0) return;
      const now = performance.now();
      paidAt = Math.max(paidAt, now - burstMs) + (bytes * 1_000) / bytesPerSecond;
      if (paidAt > now) await delay(paidAt - now, undefined, { signal });
    },
  };
}
