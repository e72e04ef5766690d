import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Files that clients send us; see uploads/upload.ts. */
export async function createUploadTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('uploads')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('created_by', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('length', 'bigint', (c) => c.notNull())
    .addColumn('durable_length', 'bigint', (c) => c.notNull())
    .addColumn('metadata', text, (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('operation_id', text, (c) => c.notNull())
    .execute();
  await db.schema.createIndex('uploads_by_owner').on('uploads').columns(['created_by', 'folder_id']).execute();
  await db.schema.createIndex('uploads_by_expiry').on('uploads').columns(['expires_at']).execute();
  await sql`create index uploads_in_use on uploads (operation_id) where operation_id <> ''`.execute(db);
}
