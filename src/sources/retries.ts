import { setTimeout as delay } from 'node:timers/promises';
import type { HttpLimits } from './http-limits.ts';
import { SourceFailed } from './source-failed.ts';

/** A try that brought this much was worth it: the count of failures begins again. Less would let a server drip. */
const PROGRESS_BYTES = 64 * 1024;

export interface RetryOptions {
  readonly limits: Pick<HttpLimits, 'attempts' | 'retryBaseMs' | 'retryCapMs' | 'maxRetryAfterMs'>;
  readonly signal: AbortSignal;
  /** Bytes won so far that a retry does not ask for again; nothing is, unless given. */
  readonly received?: (() => number) | undefined;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed `limits.attempts` times in a row without bringing
 * 64 KiB. Waits between tries: exponentially longer, shortened at random by up to half so that parallel reads do not
 * come back together, and at least what the server asked for, within bounds.
 */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const received = options.received ?? (() => 0);
  for (let failures = 0; ; ) {
    options.signal.throwIfAborted();
    const before = received();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof SourceFailed) || !error.transient) throw error;
      failures = received() - before >= PROGRESS_BYTES ? 1 : failures + 1;
      if (failures >= options.limits.attempts) throw error;
      await pause(backoffMs(options.limits, failures, error.retryAfterMs), options.signal);
    }
  }
}

function backoffMs(limits: RetryOptions['limits'], failures: number, retryAfterMs = 0): number {
  const longest = Math.min(limits.retryCapMs, limits.retryBaseMs * 2 ** (failures - 1));
  const jittered = longest * (0.5 + Math.random() / 2);
  return Math.max(jittered, Math.min(retryAfterMs, limits.maxRetryAfterMs));
}

/** Waits, or rejects with the signal's own reason. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}
