import { type Kysely, sql } from 'kysely';

/** Finds the few images that are to be kept ready among a million that are not. */
export async function indexPooledImages(db: Kysely<unknown>): Promise<void> {
  await sql`create index images_pooled on images (created_at, id) where pooled = 1`.execute(db);
}
