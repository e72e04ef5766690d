import type { Database } from './database.ts';
import { openPostgres } from './open-postgres.ts';
import { openSqlite } from './open-sqlite.ts';

/** Opens the metadata where it is: in the PostgreSQL database of the URL, or without one in the SQLite file. */
export function openDatabase({
  url,
  path,
}: {
  readonly url: string | undefined;
  readonly path: string;
}): Promise<Database> {
  return url === undefined ? openSqlite(path) : openPostgres(url);
}
