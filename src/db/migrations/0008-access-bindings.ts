import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Who has which role on what. */
export async function createAccessBindings(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  const bindings = db.schema
    .createTable('access_bindings')
    .addColumn('resource_id', text, (c) => c.notNull())
    .addColumn('role_id', text, (c) => c.notNull())
    .addColumn('subject_type', text, (c) => c.notNull())
    .addColumn('subject_id', text, (c) => c.notNull())
    // The order of lists, and what a check reads: a binding is there once.
    .addPrimaryKeyConstraint('access_bindings_key', ['resource_id', 'role_id', 'subject_type', 'subject_id']);
  await (dialect === 'sqlite' ? bindings.modifyEnd(sql`without rowid`) : bindings).execute();
  await db.schema
    .createIndex('access_bindings_by_subject')
    .on('access_bindings')
    .columns(['subject_type', 'subject_id', 'resource_id'])
    .execute();
}
