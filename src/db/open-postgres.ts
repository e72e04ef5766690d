import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { Database } from './database.ts';
import { DatabaseFailed } from './database-failed.ts';
import { migrate } from './migrate.ts';
import { createTurnTakingDialect } from './postgres-dialect.ts';
import { createPostgresPool, type PostgresPoolOptions } from './postgres-pool.ts';
import type { Schema } from './schema.ts';

/** Connections of one process; PostgreSQL's own limit is 100 by default. */
const writers = 8;
const readers = 4;

/** Far beyond any statement of ours; what takes longer waits for somebody who will not come back. */
const statementTimeoutMs = 60_000;

/**
 * Runs of one transaction beside others, with waits of some milliseconds between them, by chance, so that those who met
 * do not meet again. After that it runs alone: the database also sees conflicts where there are none, because it looks
 * at pages of an index and not at rows, and a long transaction among many short ones would otherwise never get through.
 */
const runsBesideOthers = 5;
const firstPauseMs = 4;

/**
 * Opens the metadata in a PostgreSQL database, bringing its tables up to date first; several processes may do that at
 * once. Transactions are serializable: what holds when they run one after the other holds here. One that met another
 * is run again.
 *
 * @throws DatabaseFailed when the server can't be reached, refuses us, or keeps text in another encoding than UTF-8
 */
export async function openPostgres(url: string): Promise<Database> {
  await using opening = new AsyncDisposableStack();
  try {
    await prepare(url);
  } catch (cause) {
    if (!(cause instanceof DatabaseFailed)) throw cause;
    const { message, code, failure } = cause;
    throw new DatabaseFailed({
      message: `cannot open the database ${withoutSecrets(url)}: ${message}`,
      code,
      failure,
      cause,
    });
  }
  const openPool = (options: Omit<PostgresPoolOptions, 'url' | 'timeoutMs'>) => {
    const pool = createPostgresPool({ url, timeoutMs: statementTimeoutMs, ...options });
    opening.defer(() => pool.end());
    return pool;
  };
  const pool = openPool({ connections: writers, readOnly: false });
  const besideOthers = new Kysely<Schema>({ dialect: createTurnTakingDialect(pool, 'beside others') });
  const alone = new Kysely<Schema>({ dialect: createTurnTakingDialect(pool, 'alone') });
  const reads = new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: openPool({ connections: readers, readOnly: true }) }),
  });
  const owned = opening.move();
  return {
    dialect: 'postgres',
    read: reads,
    scan: reads,
    async transact(work) {
      for (let run = 1; run <= runsBesideOthers; run += 1) {
        try {
          return await besideOthers.transaction().execute(work);
        } catch (error) {
          if (!(error instanceof DatabaseFailed) || error.failure !== 'conflict') throw error;
        }
        await delay(Math.random() * firstPauseMs * 2 ** run);
      }
      return alone.transaction().execute(work);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Host and name of the database: user and password stand before the last @, more may stand behind the ?. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/.*@/, '//').replace(/\?.*$/, '');
}

/** Checks the server and makes the tables, on a connection without limits of time: whoever comes second waits. */
async function prepare(url: string): Promise<void> {
  await using opening = new AsyncDisposableStack();
  const pool = createPostgresPool({ url, connections: 1, readOnly: false, timeoutMs: 0 });
  opening.defer(() => pool.end());
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  const { rows } = await sql<{ server_encoding: string }>`show server_encoding`.execute(db);
  const encoding = rows[0]?.server_encoding;
  if (encoding !== 'UTF8') {
    throw new DatabaseFailed({
      message: `the database keeps text as ${encoding}: make one with ENCODING 'UTF8' TEMPLATE template0`,
    });
  }
  await migrate(db, 'postgres');
}
