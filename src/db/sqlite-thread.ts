import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * One SQLite connection on a thread of its own, so that neither a long query nor the fsync of a commit holds up the
 * main thread. Answers each request in the order of arrival.
 */

export interface SqliteThreadOptions {
  readonly path: string;
  readonly readOnly: boolean;
}

export interface SqliteRequest {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

export type SqliteReply =
  | { readonly id: number; readonly columns: string[]; readonly rows: unknown[][]; readonly changes: number }
  | { readonly id: number; readonly failed: { message: string; code: string; errcode: number } };

/** Prepared statements kept; multi-row inserts of many lengths would else keep growing it. */
const maxStatements = 256;

/** Of 4 KiB. Only a log as long as this is brought into the file by a commit: checkpointer.ts is to be there before. */
const maxLogPages = 16_384;

// How long a writer waits for a reader's checkpoint or another process's backup before SQLITE_BUSY.
const busyTimeoutMs = 10_000;

function open({ path, readOnly }: SqliteThreadOptions): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
  // FULL: a commit that was acknowledged survives a power cut. WAL: readers never wait for the writer.
  if (!readOnly) database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
  if (!readOnly) database.exec(`pragma wal_autocheckpoint = ${maxLogPages}`);
  database.exec('pragma cache_size = -32768; pragma temp_store = memory');
  return database;
}

const port = parentPort;
if (port === null) throw new Error('sqlite-thread.ts runs as a worker thread only');
const database = open(workerData as SqliteThreadOptions); // what open-sqlite.ts passes; nothing else starts this file
const statements = new Map<string, StatementSync>();

function prepare(sql: string): StatementSync {
  const known = statements.get(sql);
  if (known !== undefined) {
    statements.delete(sql);
    statements.set(sql, known);
    return known;
  }
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statements.set(sql, statement);
  if (statements.size > maxStatements) {
    const oldest = statements.keys().next().value;
    if (oldest !== undefined) statements.delete(oldest);
  }
  return statement;
}

function answer({ id, sql, parameters }: SqliteRequest): SqliteReply {
  try {
    const statement = prepare(sql);
    const columns = statement.columns().map(({ name }) => name);
    if (columns.length > 0) {
      // With setReturnArrays the rows are arrays; the typings know only the other mode.
      const rows = statement.all(...parameters) as unknown as unknown[][];
      return { id, columns, rows, changes: 0 };
    }
    const { changes } = statement.run(...parameters);
    return { id, columns, rows: [], changes: Number(changes) };
  } catch (error) {
    const { message, code, errcode } = error as { message: string; code?: string; errcode?: number };
    return { id, failed: { message, code: code ?? 'ERR_SQLITE_ERROR', errcode: errcode ?? 0 } };
  }
}

port.on('message', (request: SqliteRequest | 'close') => {
  if (request !== 'close') {
    port.postMessage(answer(request));
    return;
  }
  statements.clear();
  database.close();
  port.postMessage('closed');
  port.close();
});
port.postMessage('open');
