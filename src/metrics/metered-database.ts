import type { Database } from '../db/database.ts';
import { Histogram } from '../lib/histogram.ts';

/** Seconds: a transaction of SQLite takes some milliseconds, most of them for the disk to say that it has it. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Transactions now, and since the start. */
export interface DatabaseFigures {
  /** That were asked for and have not begun: others are before them. */
  readonly waiting: number;
  /** That are under way. */
  readonly running: number;
  /** From asking to beginning, and from beginning to the commit or the failure, the runs before the last included. */
  readonly waitSeconds: Histogram;
  readonly seconds: Histogram;
  readonly failed: number;
  /** Runs that met another transaction and were made again. */
  readonly repeated: number;
}

/** The database, and what its transactions do. */
export interface MeteredDatabase {
  readonly db: Database;
  figures(): DatabaseFigures;
}

/** Counts and times the transactions of a database, whichever it is. Disposing the result disposes the database. */
export function meterDatabase(database: Database): MeteredDatabase {
  const waitSeconds = new Histogram(bounds);
  const seconds = new Histogram(bounds);
  let waiting = 0;
  let running = 0;
  let failed = 0;
  let repeated = 0;

  const transact: Database['transact'] = async (work) => {
    const askedAt = performance.now();
    let begunAt: number | undefined;
    waiting += 1;
    try {
      return await database.transact((tx) => {
        if (begunAt === undefined) {
          begunAt = performance.now();
          waiting -= 1;
          running += 1;
          waitSeconds.add((begunAt - askedAt) / 1000);
        } else repeated += 1;
        return work(tx);
      });
    } catch (error) {
      failed += 1;
      throw error;
    } finally {
      if (begunAt === undefined) waiting -= 1;
      else {
        running -= 1;
        seconds.add((performance.now() - begunAt) / 1000);
      }
    }
  };
  return {
    db: {
      dialect: database.dialect,
      read: database.read,
      scan: database.scan,
      transact,
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    },
    figures: () => ({ waiting, running, waitSeconds, seconds, failed, repeated }),
  };
}
