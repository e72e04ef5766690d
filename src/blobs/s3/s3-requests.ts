import { setTimeout as delay } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { abortReason } from '../../lib/abort-reason.ts';
import { MemoryBudget } from '../../lib/memory-budget.ts';
import { classify, describeFailure, retryAfterMs } from './s3-failure.ts';
import type { S3Settings } from './s3-settings.ts';
import { signBodies } from './sign-bodies.ts';

/** How a store is asked; the defaults are for a real one. */
export interface S3Limits {
  /** Requests under way at once; the others wait. One connection each. */
  readonly connections: number;
  readonly connectMs: number;
  /** Without a byte either way for so long, a request is given up. */
  readonly idleMs: number;
  /** One attempt may take this long, */
  readonly attemptMs: number;
  /** and longer by what its bytes take at this rate. */
  readonly slowestBytesPerSecond: number;
  /** From the first attempt to the last one's begin. */
  readonly deadlineMs: number;
  /** The longest wait before the first repetition; doubled for each later one, up to `longestWaitMs`. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

export const defaultS3Limits: S3Limits = {
  connections: 32,
  connectMs: 5_000,
  idleMs: 20_000,
  attemptMs: 30_000,
  slowestBytesPerSecond: 64 * 1024,
  deadlineMs: 60_000,
  firstWaitMs: 100,
  longestWaitMs: 10_000,
};

export interface S3Request {
  /** Bytes of the body, in whichever direction. */
  readonly bytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Called when an attempt failed that is repeated, with what the server or the connection said. */
export type OnRetry = (reason: string, attempt: number, waitMs: number) => void;

/**
 * Requests to the bucket's server: so many at once and no more, each with a time for every phase. One whose failure may
 * pass is repeated until the deadline, after a random part of a wait that doubles, and not before the server's own
 * `Retry-After`: many clients that were told to slow down do not come back together.
 */
export class S3Requests implements Disposable {
  readonly client: S3Client;
  readonly #limits: S3Limits;
  readonly #onRetry: OnRetry;
  /** A byte of it is a request under way. */
  readonly #slots: MemoryBudget;

  constructor(settings: S3Settings, limits: S3Limits, onRetry: OnRetry = () => {}) {
    this.#limits = limits;
    this.#onRetry = onRetry;
    this.#slots = new MemoryBudget(limits.connections);
    this.client = openClient(settings, limits);
  }

  /**
   * Makes attempts until one succeeds. Each gets a signal that ends it, and must have let go of the answer's body when
   * it settles. Throws the last failure, or the reason of the caller's signal.
   */
  async run<Answer>(
    { bytes = 0, signal }: S3Request,
    attempt: (signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const begun = performance.now();
    const { attemptMs, slowestBytesPerSecond, deadlineMs, firstWaitMs, longestWaitMs } = this.#limits;
    const timeMs = attemptMs + (bytes / slowestBytesPerSecond) * 1_000;
    for (let failed = 1; ; failed += 1) {
      try {
        using _slot = await this.#slots.reserve(1, signal);
        return await withTimeout(timeMs, signal, attempt);
      } catch (error) {
        if (signal?.aborted) throw abortReason(signal);
        if (classify(error) !== 'passing') throw error;
        const jitter = Math.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** (failed - 1));
        const waitMs = Math.max(jitter, retryAfterMs(error, Date.now()));
        if (performance.now() - begun + waitMs > deadlineMs) throw error;
        this.#onRetry(describeFailure(error), failed, waitMs);
        await delay(waitMs, undefined, { signal }).catch(() => {
          throw abortReason(signal);
        });
      }
    }
  }

  [Symbol.dispose](): void {
    this.client.destroy();
  }
}

/** Not by AbortSignal.timeout, whose timers outlive a request by half a minute. */
async function withTimeout<Answer>(
  timeMs: number,
  signal: AbortSignal | undefined,
  attempt: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(new Error(`not done after ${Math.round(timeMs)} ms`)), timeMs);
  const abort = () => ended.abort(abortReason(signal));
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await attempt(ended.signal);
  } catch (error) {
    // The SDK has an error of its own for what is aborted, which does not say why.
    throw ended.signal.aborted ? abortReason(ended.signal) : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** All that the SDK would look up in files of the user's, in the environment or on the network is said here. */
function openClient({ region, endpoint, credentials }: S3Settings, limits: S3Limits): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const agent = { keepAlive: true, maxSockets: limits.connections };
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
    userAgentAppId: 'obraz',
    // We say which requests have one: not every server knows the headers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: limits.connectMs,
      socketTimeout: limits.idleMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  signBodies(client);
  return client;
}
