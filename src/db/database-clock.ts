import { repeat } from '../lib/repeat.ts';
import type { Queryable } from './database.ts';
import { readDatabaseTime } from './database-time.ts';

export interface DatabaseClockOptions {
  readonly read: Queryable;
  /** The time could not be asked for; it is asked for again, and goes on by this process's monotonic clock meanwhile. */
  onError(error: unknown): void;
  readonly everyMs?: number;
  /** A clock that does not go back, in milliseconds. */
  readonly monotonic?: () => number;
}

/** The clock, going. Dispose it before the database. */
export interface DatabaseClock extends AsyncDisposable {
  /** Milliseconds since 1970, whole ones. */
  now(): number;
  /** Asks the database now. */
  look(): Promise<void>;
}

const defaultEveryMs = 10_000;

/** An answer that took longer than that says too little about when it was given. */
const longestAnswerMs = 1_000;

/**
 * The database's time, known here without asking each time: what it was at the last look, and how long ago that is by this
 * process's monotonic clock. It is never ahead of it, and behind by what an answer takes: all processes of one database
 * have the same time to within that, whatever their own clocks show, and a step of such a clock is nothing to it. It goes with the database's clock where that is set.
 */
export async function openDatabaseClock({
  read,
  onError,
  everyMs = defaultEveryMs,
  monotonic = () => performance.now(),
}: DatabaseClockOptions): Promise<DatabaseClock> {
  let ahead: number | undefined;

  async function look(): Promise<void> {
    const askedAt = monotonic();
    const time = await readDatabaseTime(read);
    const answeredAt = monotonic();
    if (ahead !== undefined && answeredAt - askedAt > longestAnswerMs) return;
    ahead = time - answeredAt;
  }

  await look();
  const looking = repeat({ everyMs, soonMs: everyMs, run: look, onError });
  return {
    now: () => Math.round(monotonic() + (ahead ?? 0)),
    look,
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  };
}
