import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Uploads that have a name in a bucket, and operations that read them; see buckets/bucket.ts. */
export async function createBuckets(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('buckets')
    .addColumn('name', text, (c) => c.primaryKey().notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('location', text, (c) => c.notNull())
    .addColumn('storage_class', text, (c) => c.notNull())
    .execute();
  await db.schema.createIndex('buckets_by_folder').on('buckets').columns(['folder_id', 'name']).execute();
  await db.schema
    .createTable('objects')
    .addColumn('upload_id', text, (c) => c.primaryKey().notNull().references('uploads.id').onDelete('cascade'))
    .addColumn('bucket', text, (c) => c.notNull().references('buckets.name'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('generation', 'bigint', (c) => c.notNull())
    .addColumn('whole_at', 'bigint', (c) => c.notNull())
    .addColumn('content_type', text, (c) => c.notNull())
    .addColumn('md5', text, (c) => c.notNull())
    .addColumn('crc32c', text, (c) => c.notNull())
    .addColumn('described', text, (c) => c.notNull())
    .addColumn('terms', text, (c) => c.notNull())
    .execute();
  await db.schema.createIndex('objects_by_bucket').on('objects').columns(['bucket', 'name']).execute();
  await sql`create unique index objects_by_name on objects (bucket, name) where generation > 0`.execute(db);
  await db.schema
    .createTable('upload_readers')
    .addColumn('upload_id', text, (c) => c.notNull().references('uploads.id'))
    .addColumn('operation_id', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('upload_readers_key', ['upload_id', 'operation_id'])
    .execute();
  await db.schema.createIndex('upload_readers_by_operation').on('upload_readers').columns(['operation_id']).execute();
}
