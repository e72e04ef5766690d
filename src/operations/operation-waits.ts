import { type ChangeNotices, noNotices } from '../db/change-notices.ts';
import type { Database } from '../db/database.ts';
import { getOperation } from './get-operation.ts';
import type { Operation } from './operation.ts';
import { findUnderWayAmong } from './operation-rows.ts';

export interface OperationWaitsOptions {
  readonly db: Database;
  /** Looking for what other processes have ended failed; it is done again a moment later. */
  onError(error: unknown): void;
  /** What other processes end is looked at as soon as it is. */
  readonly notices?: ChangeNotices;
  /** How soon it is found where notices are not heard. */
  readonly pollMs?: number;
  /** How soon where they are: one may be lost. */
  readonly quietPollMs?: number;
  readonly maxWaiting?: number;
}

export interface WaitOptions {
  /** Of the caller: who is gone is not waited for. */
  readonly signal: AbortSignal;
  /** At most maxWaitMs counts. */
  readonly maxMs: number;
}

/** Clients and what is between us and them give up an answer that takes longer. */
export const maxWaitMs = 120_000;

/** Each is a small object and an open connection, of which there are fewer. */
const defaultMaxWaiting = 10_000;

/** Operations asked for by one statement. */
const idsAtOnce = 500;

/**
 * Those who wait for an operation's end. What ends in this process wakes them at once (`settled`), what another process
 * ends by its notice, or within `pollMs`: one look a moment for all who wait, and none while nobody does. Dispose it before the doors are
 * closed: all who wait get their answer then.
 */
export class OperationWaits implements Disposable {
  readonly #options: Required<OperationWaitsOptions>;
  /** By operation: what wakes those who wait for it. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #isPolling = false;
  #polledAt = Number.NEGATIVE_INFINITY;
  readonly #subscription: Disposable;
  #isClosed = false;

  constructor(options: OperationWaitsOptions) {
    this.#options = {
      notices: noNotices,
      pollMs: 1_000,
      quietPollMs: 5_000,
      maxWaiting: defaultMaxWaiting,
      ...options,
    };
    this.#subscription = this.#options.notices.subscribe('operation_done', (operationId) => {
      if (operationId === undefined) void this.#poll();
      else this.settled(operationId);
    });
  }

  /** How many wait now. */
  get count(): number {
    return this.#count;
  }

  /**
   * The operation once it is done, or as it is when the time is over, when too many wait already, or when the service
   * stops. Throws NOT_FOUND, also when its record is deleted meanwhile, and the signal's reason.
   */
  async waitFor(request: { readonly operationId: string }, { signal, maxMs }: WaitOptions): Promise<Operation> {
    const until = performance.now() + Math.min(maxMs, maxWaitMs);
    for (;;) {
      signal.throwIfAborted();
      // Before the look at the row: an end right after it would else go unnoticed.
      using wait = this.#enter(request.operationId, signal);
      const operation = await getOperation(this.#options, request);
      const leftMs = until - performance.now();
      if (operation.done || leftMs <= 0 || wait === undefined) return operation;
      await wait.over(leftMs);
    }
  }

  /** The operation may be done now. */
  settled(operationId: string): void {
    for (const wake of this.#waiting.get(operationId) ?? []) wake();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#subscription[Symbol.dispose]();
    for (const operationId of this.#waiting.keys()) this.settled(operationId);
  }

  #enter(operationId: string, signal: AbortSignal): Wait | undefined {
    if (this.#isClosed || this.#count >= this.#options.maxWaiting) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    signal.addEventListener('abort', wake, { once: true });
    const others = this.#waiting.get(operationId) ?? new Set();
    this.#waiting.set(operationId, others.add(wake));
    this.#count += 1;
    this.#timer ??= setInterval(() => this.#pollIfDue(), this.#options.pollMs).unref();
    let timer: NodeJS.Timeout | undefined;
    return {
      over(ms) {
        timer = setTimeout(wake, ms);
        return promise;
      },
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        others.delete(wake);
        if (others.size === 0) this.#waiting.delete(operationId);
        this.#count -= 1;
        if (this.#count > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  #pollIfDue(): void {
    const { notices, quietPollMs } = this.#options;
    if (!notices.areHeard || performance.now() - this.#polledAt >= quietPollMs) void this.#poll();
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#polledAt = performance.now();
    try {
      const ids = [...this.#waiting.keys()];
      for (let start = 0; start < ids.length; start += idsAtOnce) {
        const asked = ids.slice(start, start + idsAtOnce);
        const underWay = new Set(await findUnderWayAmong(this.#options.db.read, asked));
        for (const id of asked) if (!underWay.has(id)) this.settled(id);
      }
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#isPolling = false;
    }
  }
}

interface Wait extends Disposable {
  /** Resolves when somebody wakes it, at the latest after so long. Never rejects. */
  over(ms: number): Promise<void>;
}
