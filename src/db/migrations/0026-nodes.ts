import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** The processes of an installation, what they ask each other, and what is at which of them. */
export async function createNodes(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('nodes')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('roles', text, (c) => c.notNull())
    .addColumn('nbd_url', text, (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('seen_at', 'bigint', (c) => c.notNull())
    .addColumn('start_id', text, (c) => c.notNull())
    .addColumn('is_removed', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createTable('node_calls')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('node_id', text, (c) => c.notNull())
    .addColumn('method', text, (c) => c.notNull())
    .addColumn('input', text, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('answer', text)
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('node_calls_of').on('node_calls').columns(['node_id', 'state']).execute();
  for (const table of ['disks', 'attachments', 'operations']) {
    await db.schema
      .alterTable(table)
      .addColumn('node_id', text, (c) => c.notNull().defaultTo(''))
      .execute();
    // Most rows are at no node.
    await sql.raw(`create index ${table}_at_node on ${table} (node_id) where node_id <> ''`).execute(db);
  }
}
