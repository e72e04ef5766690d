import { PostgresAdapter, type RawBuilder, sql } from 'kysely';
import type { Queryable } from './database.ts';

/**
 * The database's own time, in milliseconds since 1970: when the statement that it stands in began. What one process writes
 * and another compares is told by this one clock, so that it makes no difference how far the processes' own are off.
 *
 * It is constant within the statement: an index can be asked for what is before it.
 */
export function databaseTime(db: Queryable): RawBuilder<number> {
  return db.getExecutor().adapter instanceof PostgresAdapter
    ? sql<number>`cast(extract(epoch from statement_timestamp()) * 1000 as bigint)`
    : sql<number>`cast(round(unixepoch('subsec') * 1000) as integer)`;
}

/** The same, asked for by itself. */
export async function readDatabaseTime(db: Queryable): Promise<number> {
  const { rows } = await sql<{ now: number }>`select ${databaseTime(db)} as now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database does not say what time it is');
  return row.now;
}
