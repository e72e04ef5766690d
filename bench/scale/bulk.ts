import { type RawBuilder, sql } from 'kysely';
import type { Database, Transaction } from '../../src/db/database.ts';

/** Rows that one statement writes. */
export const rowsAtOnce = 10_000;

/**
 * A transaction of rows that are right already. PostgreSQL checks and counts nothing of them: its triggers would update the row
 * of a quota once for each, each time past all its versions before. SQLite's stay.
 */
export async function transactInBulk(db: Database, work: (tx: Transaction) => Promise<void>): Promise<void> {
  await db.transact(async (tx) => {
    if (db.dialect === 'postgres') {
      await sql`set local session_replication_role = replica`.execute(tx);
      await sql`set local statement_timeout = 0`.execute(tx);
    }
    await work(tx);
  });
}

type Value = string | number;

/**
 * Writes copies of the row of `table` whose `key` is `template`: all columns as they are there, but for those that `rows` name.
 * So the copies are rows as the service itself writes them, whatever columns there are.
 */
export async function copyRow(
  tx: Transaction,
  db: Database,
  { table, key, template }: { readonly table: string; readonly key: string; readonly template: string },
  rows: readonly Readonly<Record<string, Value>>[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const found = await sql<Record<string, unknown>>`
    select * from ${sql.table(table)} where ${sql.ref(key)} = ${template} limit 1`.execute(tx);
  const columns = Object.keys(found.rows[0] ?? {});
  const values = columns.map((column) => {
    const value = first[column];
    if (value === undefined) return sql.ref(`t.${column}`);
    return sql`cast(j.value ->> ${sql.lit(column)} as ${sql.raw(typeof value === 'number' ? 'bigint' : 'text')})`;
  });
  const json = JSON.stringify(rows);
  await sql`
    insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
    select ${sql.join(values)}
    from (select * from ${sql.table(table)} where ${sql.ref(key)} = ${template} limit 1) as t cross join ${elements(db, json)}
  `.execute(tx);
}

function elements({ dialect }: Database, json: string): RawBuilder<unknown> {
  return dialect === 'sqlite'
    ? sql`json_each(${json}) as j`
    : sql`json_array_elements(cast(${json} as json)) as j(value)`;
}

/** What the planner knows once autovacuum was there; SQLite's asks for no such thing. */
export async function gatherStatistics(db: Database): Promise<void> {
  if (db.dialect === 'postgres') {
    await db.transact(async (tx) => {
      await sql`set local statement_timeout = 0`.execute(tx);
      await sql`analyze`.execute(tx);
    });
  }
}
