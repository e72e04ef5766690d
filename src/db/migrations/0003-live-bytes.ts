import type { Kysely } from 'kysely';

/** How much of a pack is still needed, as it was last measured: what compaction and the space figures go by. */
export async function addLiveBytes(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('packs').addColumn('live_bytes', 'bigint').execute();
}
