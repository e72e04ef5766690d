import { type Kysely, sql } from 'kysely';
import { resourceNumber } from '../../lib/resource-number.ts';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

const numberedTables = ['images', 'disks', 'snapshots', 'operations'] as const;

/** Rows numbered by one statement: two parameters each, of which SQLite takes 32,766. */
const rowsAtOnce = 1_000;

/** Gives what clients may know by a number its number (lib/resource-number.ts), which is found again by an index. */
export async function addNumbers<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  for (const table of numberedTables) {
    await db.schema
      .alterTable(table)
      .addColumn('number', textType(dialect), (c) => c.notNull().defaultTo(''))
      .execute();
    await numberRows(db, table);
    await db.schema.createIndex(`${table}_number`).on(table).column('number').unique().execute();
  }
}

async function numberRows<S>(db: Kysely<S>, table: string): Promise<void> {
  for (let after = ''; ; ) {
    const { rows } = await sql<{ id: string }>`
      select id from ${sql.table(table)} where id > ${after} order by id limit ${rowsAtOnce}`.execute(db);
    const last = rows.at(-1);
    if (last === undefined) return;
    const numbers = sql.join(rows.map(({ id }) => sql`(${id}, ${resourceNumber(id)})`));
    await sql`
      with given (id, number) as (values ${numbers})
      update ${sql.table(table)} set number = given.number from given
      where ${sql.ref(`${table}.id`)} = given.id`.execute(db);
    after = last.id;
  }
}
