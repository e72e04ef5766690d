import { DatabaseSync } from 'node:sqlite';

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
 * @throws DataDirectoryInUse at once when another process, or this one, has it
 */
export function lockDataDirectory(path: string): Disposable {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('begin exclusive');
  } catch (cause) {
    database.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy) {
      throw new DataDirectoryInUse(path, { cause });
    }
    throw cause;
  }
  return { [Symbol.dispose]: () => database.close() };
}
