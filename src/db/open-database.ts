import type { Database } from './database.ts';
import { openPostgres } from './open-postgres.ts';
import { openSqlite } from './open-sqlite.ts';

export interface DatabaseOptions {
  readonly url: string | undefined;
  readonly path: string;
  /** Called when the metadata can't be used until it is opened anew. Connections to a server come back by themselves. */
  readonly onLost?: ((error: Error) => void) | undefined;
}

/** Opens the metadata where it is: in the PostgreSQL database of the URL, or without one in the SQLite file. */
export function openDatabase({ url, path, onLost }: DatabaseOptions): Promise<Database> {
  return url === undefined ? openSqlite(path, { onLost }) : openPostgres(url);
}
