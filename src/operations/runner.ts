import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Transaction } from '../db/database.ts';
import { ServiceError } from '../errors.ts';
import { whoGivesWay } from '../lib/fair-share.ts';
import { GaveWay } from '../lib/gave-way.ts';
import { LruMap } from '../lib/lru-map.ts';
import { ActiveRun } from './active-run.ts';
import { claimNext } from './claim-operations.ts';
import { fail, finish, giveBack, giveWay, retryLater } from './end-run.ts';
import { explainFailure } from './failure.ts';
import { beat } from './heartbeat.ts';
import { isLeaseHeld, LeaseLost } from './lease.ts';
import { LeaseWatch } from './lease-watch.ts';
import { findNextDue } from './next-due.ts';
import type { OperationInput } from './operation.ts';
import { endLeases, findRow, type OperationRow, toInput } from './operation-rows.ts';
import { type RunnerOptions, withDefaults } from './runner-options.ts';

/** Runs operations (operation.ts has the states). Dispose it, or stop it, before the database. */
export interface Runner extends AsyncDisposable {
  /** Begins to claim. Throws when the database can't be written. */
  start(): Promise<void>;
  /** Something was inserted: look now. */
  wake(): void;
  /** The operation was cancelled: stop its work if it runs here, then clean up after it. */
  abort(operationId: string): void;
  /** How many are under way in this process. */
  readonly activeCount: number;
  /**
   * Claims no more, aborts what runs and gives the leases back, so that the next start goes on at once. Work that
   * ignores its signal for longer than `graceMs` is left to itself: its lease is gone. May be called again.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/** The process stops: the work goes on at its next start. */
export class RunnerStopping extends Error {
  constructor() {
    super('the service is stopping; the operation goes on at its next start');
    this.name = 'RunnerStopping';
  }
}

const defaultGraceMs = 5_000;
const maxSettleDelayMs = 10_000;
/** Of as many operations it is remembered that they gave way. */
const gaveWayKept = 10_000;

export function createRunner(options: RunnerOptions): Runner {
  return new OperationRunner(options);
}

class OperationRunner implements Runner {
  readonly #options: Required<RunnerOptions>;
  readonly #log: Logger;
  readonly #watch: LeaseWatch;
  readonly #active = new Map<string, ActiveRun>();
  /** Clean-ups of operations that were cancelled before anyone ran them. */
  readonly #cleaning = new Set<Promise<void>>();
  /** Cancelled while a claim was under way, which may have taken them. */
  readonly #cancelledInClaim = new Set<string>();
  readonly #gaveWay = new LruMap<string, number>(gaveWayKept);
  /** Aborted when nothing may be waited for any more. */
  readonly #halt = new AbortController();
  #state: 'new' | 'started' | 'stopping' = 'new';
  #timer: NodeJS.Timeout | undefined;
  #leasesSeenAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #subscriptions = new DisposableStack();
  #isWanted = false;
  #isClaiming = false;
  #claimed: Promise<void> = Promise.resolve();
  #isBeating = false;
  #stopped: Promise<void> | undefined;

  constructor(options: RunnerOptions) {
    this.#options = withDefaults(options);
    this.#log = options.log.child({ part: 'operations' });
    this.#watch = new LeaseWatch(this.#options);
  }

  get activeCount(): number {
    return this.#active.size;
  }

  async start(): Promise<void> {
    const { db, isAlone, beatMs } = this.#options;
    if (isAlone) await db.transact((tx) => endLeases(tx));
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#timer = setInterval(() => void this.#beat(), beatMs);
    this.#subscribe();
    this.wake();
  }

  #subscribe(): void {
    const { notices, kinds, concurrency } = this.#options;
    const due = notices.subscribe('operation_due', (kind) => {
      // Where every place is taken the end of a run looks, and each beat.
      if ((kind === undefined || kinds.has(kind)) && this.#active.size < concurrency) this.wake();
    });
    const lost = notices.subscribe('operation_lost', (operationId) => {
      for (const run of this.#active.values()) {
        if (operationId === undefined || operationId === run.operation.id) void this.#checkLease(run);
      }
    });
    // What was cancelled before anybody ran it may have left something here. What ran here cleans up by itself.
    const done = notices.subscribe('operation_done', (operationId) => {
      if (operationId !== undefined && !this.#active.has(operationId)) this.#cleanUpSoon(operationId);
    });
    for (const subscription of [due, lost, done]) this.#subscriptions.use(subscription);
  }

  wake(): void {
    if (this.#state !== 'started') return;
    this.#isWanted = true;
    if (!this.#isClaiming) this.#claimed = this.#claim();
  }

  abort(operationId: string): void {
    const run = this.#active.get(operationId);
    if (run !== undefined) {
      run.abort(new LeaseLost(run.lease));
      return;
    }
    if (this.#isClaiming) this.#cancelledInClaim.add(operationId);
    this.#cleanUpSoon(operationId);
  }

  #cleanUpSoon(operationId: string): void {
    const cleaning = this.#cleanUp(operationId).finally(() => this.#cleaning.delete(cleaning));
    this.#cleaning.add(cleaning);
  }

  stop({ graceMs = defaultGraceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(graceMs: number): Promise<void> {
    this.#state = 'stopping';
    clearInterval(this.#timer);
    this.#subscriptions.dispose();
    const grace = AbortSignal.timeout(graceMs);
    await this.#claimed;
    for (const run of this.#active.values()) run.abort(new RunnerStopping());
    const ends = [...this.#active.values()].map((run) => run.ended);
    const graceOver = new Promise((resolve) => grace.addEventListener('abort', resolve));
    await Promise.race([Promise.all([...ends, ...this.#cleaning]), graceOver]);
    this.#halt.abort(new RunnerStopping());
    for (const run of this.#active.values()) {
      this.#log.warn({ operationId: run.operation.id }, 'the work did not stop in time; it is left without its lease');
      await this.#tryTo('give the lease back', run, (tx) => giveBack(tx, run.lease));
    }
  }

  // --- claiming ---------------------------------------------------------------------------------------------------

  /** Claims until nothing is due or every place is taken. The end of a run wakes it again, and so does every beat. */
  async #claim(): Promise<void> {
    const { db, kinds, ownerId, concurrency } = this.#options;
    this.#isClaiming = true;
    try {
      while (this.#isWanted && this.#state === 'started' && kinds.size > 0) {
        this.#isWanted = false;
        this.#lookedAt = performance.now();
        await this.#lookAtLeases();
        while (this.#state === 'started' && this.#active.size < concurrency) {
          const claimedAt = performance.now();
          const row = await claimNext(db, { ...this.#dueQuery(), ownerId });
          if (row === undefined) break;
          this.#launch(row, claimedAt);
        }
        if (this.#active.size >= concurrency) await this.#makePlace();
      }
    } catch (error) {
      this.#lookedAt = Number.NEGATIVE_INFINITY;
      this.#log.error({ err: error }, 'operations could not be claimed; trying again soon');
    } finally {
      this.#isClaiming = false;
      this.#cancelledInClaim.clear();
    }
  }

  /** Once a beat, not whenever something was inserted or has ended. */
  async #lookAtLeases(): Promise<void> {
    if (performance.now() - this.#leasesSeenAt < this.#options.beatMs / 2) return;
    await this.#watch.look(this.#options.db.read, [...this.#options.kinds.keys()]);
    this.#leasesSeenAt = performance.now();
  }

  #dueQuery() {
    const { unrenewed } = this.#watch;
    const { kinds, nodes } = this.#options;
    return { kinds: [...kinds.keys()], nodes, except: [...this.#active.keys()], unrenewed };
  }

  /** Every place is taken: has a run give way if another cloud's operation is due and has waited long enough. */
  async #makePlace(): Promise<void> {
    const runs = [...this.#active.values()];
    if (runs.some(({ signal }) => signal.aborted)) return;
    const next = await findNextDue(this.#options.db.read, this.#dueQuery());
    if (next === undefined || next.dueMs < this.#options.patienceMs) return;
    const run = whoGivesWay(runs, { group: next.cloudId, held: next.running }, performance.now());
    run?.abort(new GaveWay());
  }

  #launch(row: OperationRow, claimedAt: number): void {
    const kind = this.#options.kinds.get(row.kind);
    if (kind === undefined) throw new Error(`claimed an operation of the unknown kind ${row.kind}`);
    const timesGivenWay = this.#gaveWay.get(row.id) ?? 0;
    const run = new ActiveRun(kind, row, { turnMs: this.#options.turnMs, timesGivenWay, claimedAt });
    this.#active.set(row.id, run);
    if (this.#state !== 'started') run.abort(new RunnerStopping());
    if (this.#cancelledInClaim.has(row.id)) run.abort(new LeaseLost(run.lease));
    run.ended = this.#carryOut(run).finally(() => {
      this.#active.delete(row.id);
      this.wake();
    });
  }

  // --- one run ----------------------------------------------------------------------------------------------------

  async #carryOut(run: ActiveRun): Promise<void> {
    const { operation, lease, signal, attempts, timesGivenWay } = run;
    const log = this.#log.child({ operationId: operation.id, kind: operation.kind, attempt: attempts });
    try {
      signal.throwIfAborted();
      if (attempts > this.#options.maxAttempts) throw diedTooOften(attempts - 1);
      log.info('operation runs');
      const report = run.report.bind(run);
      const commit = await run.kind.run({ operation, signal, lease, timesGivenWay, report });
      await this.#options.db.transact((tx) => finish(tx, lease, { commit, progress: run.progress }));
      this.#options.onSettled(operation.id);
      log.info('operation is done');
      run.kind.onDone?.(run.operation);
    } catch (error) {
      await this.#settle(run, error, log);
    }
  }

  /** The run ended without a result: decides what becomes of the operation, and makes sure that it does. */
  async #settle(run: ActiveRun, error: unknown, log: Logger): Promise<void> {
    if (this.#state === 'stopping') {
      await this.#tryTo('give the lease back', run, (tx) => giveBack(tx, run.lease));
      return;
    }
    const { maxAttempts, retryDelayMs } = this.#options;
    if ((run.signal.aborted ? run.signal.reason : error) instanceof GaveWay) {
      log.info('operation gives way to those of other clouds');
      this.#gaveWay.set(run.operation.id, run.timesGivenWay + 1);
      await this.#tryTo('give the lease back', run, (tx) => giveWay(tx, run.lease));
      await this.#cleanUp(run.operation.id, run.operation);
      return;
    }
    // What the work throws once it is aborted is only its way to end.
    if (error instanceof LeaseLost || run.signal.aborted) {
      log.info('operation was cancelled or is run by another process');
    } else {
      const failure = explainFailure(error);
      const level = failure.code === 'INTERNAL' ? 'error' : 'warn';
      log[level]({ err: failure.cause ?? failure, reason: failure.reason }, 'operation failed');
      for (let failures = 1; ; failures++) {
        let retryInMs: number | undefined;
        const isSettled = await this.#tryTo('end the operation', run, async (tx) => {
          const counted = failure.code === 'UNAVAILABLE' ? await countAttempts(tx, run) : maxAttempts;
          retryInMs = counted < maxAttempts ? retryDelayMs(counted) : undefined;
          if (retryInMs !== undefined) await retryLater(tx, run.lease, retryInMs);
          else await fail(tx, run.lease, { kind: run.kind, error: failure, progress: run.progress });
        });
        if (isSettled) {
          this.#options.onSettled(run.operation.id);
          if (retryInMs !== undefined) setTimeout(() => this.wake(), retryInMs).unref();
          break;
        }
        // A full disk, most likely. The operation keeps its place until its end can be written.
        const waited = await wait(Math.min(retryDelayMs(failures), maxSettleDelayMs), this.#halt.signal);
        if (!waited) return;
      }
    }
    await this.#cleanUp(run.operation.id, run.operation);
  }

  /** True when the change was made, or is not ours to make any more. */
  async #tryTo(what: string, run: ActiveRun, change: (tx: Transaction) => Promise<void>): Promise<boolean> {
    try {
      await this.#options.db.transact(change);
      return true;
    } catch (error) {
      if (error instanceof LeaseLost) return true;
      this.#log.error({ err: error, operationId: run.operation.id }, `could not ${what}`);
      return false;
    }
  }

  /**
   * Lets the kind clean up after an operation that failed or was cancelled; does nothing after any other. One that ran
   * here, and that nobody has a record of any more, was done when the record was deleted.
   */
  async #cleanUp(operationId: string, ran?: OperationInput): Promise<void> {
    try {
      const row = await findRow(this.#options.db.read, operationId);
      if (row !== undefined && (row.state !== 'done' || row.error === null)) return;
      const operation = row === undefined ? ran : toInput(row);
      if (operation !== undefined) await this.#options.kinds.get(operation.kind)?.cleanUp?.(operation);
    } catch (error) {
      this.#log.error({ err: error, operationId }, 'could not clean up after the operation');
    }
  }

  /** Aborts the run if its lease is lost. */
  async #checkLease(run: ActiveRun): Promise<void> {
    try {
      if (!(await isLeaseHeld(this.#options.db.read, run.lease))) run.abort(new LeaseLost(run.lease));
    } catch (error) {
      this.#log.warn({ err: error, operationId: run.operation.id }, 'could not see whether the lease is lost');
    }
  }

  /** While notices are heard, somebody looks at once for whatever is new: the clock's own can wait a little. */
  #isTimeToLook(): boolean {
    const { notices, quietLookMs, concurrency } = this.#options;
    const isQuiet = notices.areHeard && this.#active.size < concurrency;
    return !isQuiet || performance.now() - this.#lookedAt >= quietLookMs;
  }

  async #beat(): Promise<void> {
    if (this.#isTimeToLook()) this.wake();
    if (this.#isBeating) return;
    this.#isBeating = true;
    const { db, leaseMs, renewMs } = this.#options;
    try {
      await beat(db, [...this.#active.values()], { renewMs });
    } catch (error) {
      this.#log.error({ err: error }, 'leases could not be renewed; trying again soon');
      for (const run of this.#active.values()) {
        if (performance.now() - run.renewedAt >= leaseMs) run.abort(new LeaseLost(run.lease));
      }
    } finally {
      this.#isBeating = false;
    }
  }
}

/** The attempts so far as the row has them: a checkpoint on new ground counts them anew. */
async function countAttempts(tx: Transaction, run: ActiveRun): Promise<number> {
  const row = await findRow(tx, run.operation.id);
  return row?.attempts ?? run.attempts;
}

function diedTooOften(times: number): ServiceError {
  return new ServiceError({
    code: 'INTERNAL',
    reason: 'ATTEMPTS_EXHAUSTED',
    message: `The operation was given up: the service was interrupted ${times} times while it ran`,
  });
}

/** False when the signal cut it short. */
async function wait(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
