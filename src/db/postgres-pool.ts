import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import pg from 'pg';
import { DatabaseFailed, postgresFailure } from './database-failed.ts';
import { NumberUnsafe, postgresTypes } from './postgres-types.ts';

export interface PostgresPoolOptions {
  /** postgres://USER:PASSWORD@HOST:PORT/DATABASE */
  readonly url: string;
  /** Connections at most; they are opened when they are needed. */
  readonly connections: number;
  readonly readOnly: boolean;
  /** How long a statement may take, its waits for locks included; 0 sets no limit. */
  readonly timeoutMs: number;
}

/** From asking for a connection to having one, the wait for a free one included. */
const connectTimeoutMs = 10_000;
const idleTimeoutMs = 30_000;
/** Within a transaction there is only SQL: whoever says nothing for so long is frozen, and holds rows that others need. */
const silentTransactionMs = 15_000;
/** After the server should have given up by itself: then it is not there any more. */
const silenceMs = 15_000;

/** Connections for Kysely, whose every failure is a DatabaseFailed. End it once nothing uses it. */
export function createPostgresPool({ url, connections, readOnly, timeoutMs }: PostgresPoolOptions): PostgresPool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'obraz',
    max: connections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    types: postgresTypes,
    statement_timeout: timeoutMs,
    idle_in_transaction_session_timeout: silentTransactionMs,
    ...(timeoutMs === 0 ? {} : { query_timeout: timeoutMs + silenceMs }),
    options: `-c default_transaction_read_only=${readOnly ? 'on' : 'off'} -c bytea_output=hex`,
    // The types know no promise here; the pool waits for it.
    onConnect: (client: pg.ClientBase): unknown => client.query(makeDurable),
  });
  // A connection that breaks while nobody uses it is replaced by the next that is needed; without a listener it would
  // end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    async connect() {
      try {
        return wrapClient(await pool.connect());
      } catch (error) {
        throw failedBy(error);
      }
    },
    end: () => pool.end(),
  };
}

/** A commit that was acknowledged survives a power cut, also where the server's own setting is to promise less. */
const makeDurable =
  "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'";

function wrapClient(client: pg.PoolClient): PostgresPoolClient {
  let isBroken = false;

  async function query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    try {
      const { command, rowCount, rows } = await client.query<R & pg.QueryResultRow>(text, [...parameters]);
      if (text === 'commit' && command !== 'COMMIT') {
        // What the server says to the commit of a transaction in which a statement had failed.
        throw new DatabaseFailed({ message: 'nothing was committed: a statement before the commit had failed' });
      }
      return { command: asCommand(command), rowCount: rowCount ?? 0, rows };
    } catch (error) {
      const failed = failedBy(error);
      isBroken ||= failed.failure === 'unavailable';
      // With the connection the transaction is gone; why it is gone has been said.
      if (text === 'rollback' && isBroken) return { command: 'UPDATE', rowCount: 0, rows: [] };
      throw failed;
    }
  }

  return {
    // Kysely's second form of `query` is for cursors, which its dialect is given none of.
    query: query as PostgresPoolClient['query'],
    release: () => client.release(isBroken),
  };
}

/** Kysely knows the commands that change rows by their names; the rest are all the same to it. */
function asCommand(command: string): PostgresQueryResult<unknown>['command'] {
  return command as PostgresQueryResult<unknown>['command']; // its type names only those that it looks at
}

function failedBy(cause: unknown): DatabaseFailed {
  if (cause instanceof DatabaseFailed) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof pg.DatabaseError) {
    const code = cause.code ?? '';
    return new DatabaseFailed({ message, code, failure: postgresFailure(code), cause });
  }
  if (cause instanceof NumberUnsafe) return new DatabaseFailed({ message, cause });
  // Everything else that the driver throws is about the connection. An AggregateError has no words of its own.
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'ERR_CONNECTION';
  return new DatabaseFailed({ message: message || code, code, failure: 'unavailable', cause });
}
