import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Who did what. Each filter that a list can have is an index that ends in the order of lists. */
export async function createAudit(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  const table = db.schema.createTable('audit_records');
  // Never used twice, also when the last rows were deleted: a page token names one.
  const numbered =
    dialect === 'sqlite'
      ? table.addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement().notNull())
      : table.addColumn('id', 'bigserial', (c) => c.primaryKey().notNull());
  await numbered
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('subject_id', text, (c) => c.notNull())
    .addColumn('method', text, (c) => c.notNull())
    .addColumn('resource_id', text, (c) => c.notNull())
    .addColumn('folder_id', text, (c) => c.notNull())
    .addColumn('cloud_id', text, (c) => c.notNull())
    .addColumn('operation_id', text, (c) => c.notNull())
    .addColumn('code', text, (c) => c.notNull())
    .addColumn('request_id', text, (c) => c.notNull())
    .addColumn('peer', text, (c) => c.notNull())
    .addColumn('user_agent', text, (c) => c.notNull())
    .execute();
  const index = (name: string, columns: readonly string[]) =>
    db.schema
      .createIndex(`audit_records_by_${name}`)
      .on('audit_records')
      .columns([...columns, 'at', 'id'])
      .execute();
  await index('age', []);
  await index('kind', ['kind']);
  for (const column of ['subject_id', 'method', 'resource_id', 'folder_id', 'cloud_id']) await index(column, [column]);
  await forbidChanges(db, dialect);
}

/** A record may grow old and go; it is never another one. */
async function forbidChanges(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const complaint = 'audit records are never changed';
  if (dialect === 'sqlite') {
    await sql
      .raw(
        `create trigger audit_records_stay before update on audit_records begin select raise(abort, '${complaint}'); end`,
      )
      .execute(db);
    return;
  }
  await sql
    .raw(
      `create function audit_records_stay() returns trigger language plpgsql as $$ begin raise exception '${complaint}'; end $$`,
    )
    .execute(db);
  await sql
    .raw(
      'create trigger audit_records_stay before update on audit_records for each row execute function audit_records_stay()',
    )
    .execute(db);
}
