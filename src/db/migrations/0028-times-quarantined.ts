import type { Kysely } from 'kysely';

/** A copy that was in quarantine, was found right and is found damaged again is to be told from one that never was out of it. */
export async function countQuarantines(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('chunks')
    .addColumn('times_quarantined', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}
