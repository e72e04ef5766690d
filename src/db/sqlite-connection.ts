import type { SQLInputValue } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import { DatabaseFailed, sqliteFailure } from './database-failed.ts';
import type { SqliteReply, SqliteRequest, SqliteThreadOptions } from './sqlite-thread.ts';

interface Waiting {
  resolve(result: QueryResult<never>): void;
  reject(error: Error): void;
}

export interface SqliteConnectionOptions extends SqliteThreadOptions {
  /** Called once if the thread ends though nobody asked it to: nothing can be read or written any more. */
  readonly onLost?: ((error: Error) => void) | undefined;
}

/** The main thread's end of a SQLite connection (sqlite-thread.ts). Dispose it to close the file. */
export class SqliteConnection implements DatabaseConnection, AsyncDisposable {
  readonly #worker: Worker;
  readonly #onLost: (error: Error) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closing = false;
  #ended: Error | undefined;

  private constructor(worker: Worker, onLost: (error: Error) => void) {
    this.#worker = worker;
    this.#onLost = onLost;
    worker.on('message', (reply: SqliteReply) => this.#settle(reply));
    worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', (code) => {
      this.#end(new Error(this.#closing ? 'the database is closed' : `the database's thread ended with code ${code}`));
    });
  }

  /** Opens the file; throws DatabaseFailed when it can't be opened. */
  static async open({ onLost, ...options }: SqliteConnectionOptions): Promise<SqliteConnection> {
    const workerData: SqliteThreadOptions = options;
    const worker = new Worker(new URL('./sqlite-thread.ts', import.meta.url), { workerData });
    const opened = Promise.withResolvers<void>();
    worker.once('message', () => opened.resolve());
    worker.once('error', (error) => opened.reject(error));
    try {
      await opened.promise;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const errcode = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) : 0;
      throw new DatabaseFailed({
        message: `cannot open ${options.path}: ${message}`,
        failure: sqliteFailure(errcode),
        cause,
      });
    }
    return new SqliteConnection(worker, onLost ?? (() => {}));
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    // Kysely types parameters as unknown; what the tables hold (Schema) is what SQLite takes.
    return this.execute<R>(query.sql, query.parameters as readonly SQLInputValue[]);
  }

  execute<R>(sql: string, parameters: readonly SQLInputValue[] = []): Promise<QueryResult<R>> {
    if (this.#ended !== undefined) {
      return Promise.reject(new DatabaseFailed({ message: this.#ended.message, cause: this.#ended }));
    }
    // SQLite would take it. What one database refuses the other refuses, too.
    if (parameters.some((value) => typeof value === 'string' && value.includes('\0'))) {
      const message = 'a text with the character U+0000 cannot be kept';
      return Promise.reject(new DatabaseFailed({ message, failure: 'text' }));
    }
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult<R>>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, sql, parameters } satisfies SqliteRequest);
    return promise;
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator; nothing streams from SQLite here
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming queries are not used: page by key instead');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#closing = true;
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.postMessage('close');
    await exited;
  }

  #settle(reply: SqliteReply | 'closed'): void {
    if (reply === 'closed') return;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (waiting === undefined) return;
    if ('failed' in reply) {
      const { message, code, errcode } = reply.failed;
      waiting.reject(new DatabaseFailed({ message, code, failure: sqliteFailure(errcode) }));
      return;
    }
    const { columns, rows, changes } = reply;
    waiting.resolve({ rows: rows.map((row) => toObject(columns, row)), numAffectedRows: BigInt(changes) });
  }

  #end(error: Error): void {
    // An error is followed by the exit that it caused.
    const isLost = this.#ended === undefined && !this.#closing;
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) {
      reject(new DatabaseFailed({ message: error.message, cause: error }));
    }
    this.#waiting.clear();
    if (isLost) this.#onLost(error);
  }
}

/** Rows cross the threads as arrays: the names of the columns once, not once a row. */
function toObject(columns: readonly string[], row: readonly unknown[]): never {
  const object: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) object[column] = row[index];
  return object as never; // the query's own row type, which only Kysely knows
}
