import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** What was found in the files that images were made from; beside the images, so that lists needn't read it. */
export async function createImageSources(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('image_sources')
    .addColumn('image_id', text, (c) => c.primaryKey().notNull().references('images.id').onDelete('cascade'))
    .addColumn('report', text, (c) => c.notNull())
    .execute();
}
