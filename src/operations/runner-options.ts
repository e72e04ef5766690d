import type { Logger } from 'pino';
import { type ChangeNotices, noNotices } from '../db/change-notices.ts';
import type { Database } from '../db/database.ts';
import type { OperationKinds } from './kind.ts';

export interface RunnerOptions {
  readonly db: Database;
  readonly kinds: OperationKinds;
  /** Whose operations are run: those of these nodes, '' for those that any may run; all by default. */
  readonly nodes?: readonly string[] | 'all';
  readonly log: Logger;
  /** Names this process in the leases; another one for each process and start. */
  readonly ownerId: string;
  /** Operations run at the same time. */
  readonly concurrency?: number;
  /** How long a run keeps its place while another cloud has none, once every place is taken; for ever by default. */
  readonly turnMs?: number;
  /** How long what is due waits for a place before a run of a cloud that has more places is stopped for it. */
  readonly patienceMs?: number;
  /** A lease that was not renewed while this process looked on for so long is over. */
  readonly leaseMs?: number;
  /** How often a lease is renewed; with the beat, and what a transaction takes, much less than leaseMs. */
  readonly renewMs?: number;
  /** How often progress is written, and how soon work that is due by the clock, or another process's, is found where notices are not heard. */
  readonly beatMs?: number;
  /** Claims of one operation before it is given up. */
  readonly maxAttempts?: number;
  /** How long to wait after a failure, the first being 1: less than longestWaitMs (next-due.ts). */
  readonly retryDelayMs?: (failures: number) => number;
  /** A run is over, and the operation's row says what became of it: it is done, or is tried again. */
  readonly onSettled?: (operationId: string) => void;
  /** What other processes insert, give back, cancel and take over is looked at as soon as it happens. */
  readonly notices?: ChangeNotices;
  /** How soon all else is found while notices are heard: retries of a process that died, and leases that are over. */
  readonly quietLookMs?: number;
  /** Nobody else uses the database: what is `running` at the start was left behind. True for SQLite. */
  readonly isAlone?: boolean;
}

/** What the runner goes by: nothing after this sees an optional. */
export function withDefaults(options: RunnerOptions): Required<RunnerOptions> {
  return {
    nodes: 'all',
    concurrency: 4,
    turnMs: Number.POSITIVE_INFINITY,
    patienceMs: 1_000,
    leaseMs: 30_000,
    renewMs: 10_000,
    beatMs: 1_000,
    maxAttempts: 5,
    retryDelayMs: defaultRetryDelayMs,
    onSettled() {},
    notices: noNotices,
    quietLookMs: 5_000,
    isAlone: options.db.dialect === 'sqlite',
    ...options,
  };
}

/** 1 s, 2 s, 4 s ... 60 s, up to a quarter more by chance, so that what failed together does not return together. */
function defaultRetryDelayMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 60_000) * (1 + Math.random() / 4);
}
