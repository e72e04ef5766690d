import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Parts of objects that clients send in any order; see buckets/object-part.ts. */
export async function createObjectParts<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('object_parts')
    .addColumn('upload_id', text, (c) => c.primaryKey().notNull().references('uploads.id').onDelete('cascade'))
    .addColumn('session_id', text, (c) => c.notNull().references('objects.upload_id').onDelete('cascade'))
    .addColumn('number', 'integer', (c) => c.notNull())
    .addColumn('md5', text, (c) => c.notNull())
    .addColumn('is_chosen', 'integer', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('object_parts_by_session').on('object_parts').columns(['session_id', 'number']).execute();
}
