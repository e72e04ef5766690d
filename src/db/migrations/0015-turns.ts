import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Whose turn it is to have an operation run: the cloud of each, and when it was last served. */
export async function createTurns<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .alterTable('operations')
    .addColumn('cloud_id', text, (c) => c.notNull().defaultTo(''))
    .execute();
  await sql`update operations
    set cloud_id = coalesce((select folders.cloud_id from folders where folders.id = operations.folder_id), '')
    where state <> 'done'`.execute(db);
  await db.schema
    .createTable('operation_turns')
    .addColumn('cloud_id', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('claimed_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('operation_turns_key', ['cloud_id', 'kind'])
    .execute();
  // As small as the queue, and in its order within each cloud; what runs is apart, so that nothing is passed over in it.
  await sql`create index operations_waiting on operations (kind, cloud_id, run_after, id) where state = 'pending'`.execute(
    db,
  );
  await sql`create index operations_running on operations (cloud_id) where state = 'running'`.execute(db);
  await sql`drop index operations_to_run`.execute(db);
}
