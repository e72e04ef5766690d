import type { Kysely } from 'kysely';

/**
 * A lease is over when it is not renewed any more, and not at a time that one clock wrote and another one reads. What is in
 * the column is as good as any count to begin with.
 */
export async function countRenewals(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('operations').renameColumn('lease_expires_at', 'lease_renewals').execute();
}
