import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Where the bytes of uploads are that are kept in a bucket (uploads/pieces/piece.ts), and which uploads may grow. */
export async function createUploadPieces(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  const bytes = dialect === 'sqlite' ? sql`blob` : sql`bytea`;
  await db.schema
    .createTable('upload_pieces')
    .addColumn('blob_name', text, (c) => c.primaryKey().notNull())
    .addColumn('upload_id', text, (c) => c.notNull())
    .addColumn('start', 'bigint', (c) => c.notNull())
    .addColumn('size', 'integer', (c) => c.notNull())
    .addColumn('sums', bytes, (c) => c.notNull())
    .execute();
  await db.schema.createIndex('upload_pieces_by_upload').on('upload_pieces').columns(['upload_id', 'start']).execute();
  await db.schema
    .alterTable('uploads')
    .addColumn('grows', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await sql`update uploads set grows = 1 where id in (select upload_id from objects where generation = 0)`.execute(db);
}
