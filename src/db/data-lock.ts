import { DatabaseSync } from 'node:sqlite';
import { DatabaseFailed, sqliteFailure } from './database-failed.ts';

/** Another process has the data directory open. */
export class DataDirectoryInUse extends Error {
  constructor(path: string, options?: ErrorOptions) {
    super(`another process holds ${path}`, options);
    this.name = 'DataDirectoryInUse';
  }
}

/** SQLite's number for a database that another connection has locked. */
const sqliteBusy = 5;

/**
 * Takes the lock of a data directory: an exclusive transaction on a small database that is never committed (Node has
 * no flock). The system drops it with the process, however that ends, so there is no stale lock to remove. Dispose it
 * to give it back.
 *
 * @throws DataDirectoryInUse at once when another process, or this one, has it; DatabaseFailed when it can't be taken
 */
export function lockDataDirectory(path: string): Disposable {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('begin exclusive');
  } catch (cause) {
    database?.close();
    const errcode = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) : 0;
    if (errcode === sqliteBusy) throw new DataDirectoryInUse(path, { cause });
    const message = `cannot lock ${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new DatabaseFailed({ message, failure: sqliteFailure(errcode), cause });
  }
  return { [Symbol.dispose]: () => database.close() };
}
