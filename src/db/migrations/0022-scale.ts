import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/**
 * What collections look at, so that they cost what goes and not what is there: volumes that may have lost their last holder, and
 * packs whose use has changed; and packs that are worth a compaction.
 */
export async function addCollectedRows<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  const table = db.schema
    .createTable('loose_volumes')
    .addColumn('volume_id', textType(dialect), (c) => c.primaryKey().notNull());
  await (dialect === 'sqlite' ? table.modifyEnd(sql`without rowid`) : table).execute();
  await sql`insert into loose_volumes (volume_id) select id from volumes
    where not exists (select 1 from volume_references r where r.volume_id = volumes.id)`.execute(db);
  // A pack that was measured is needed by something, from now on: what no node needs was to be condemned before.
  await sql`update packs set live_bytes = null where live_bytes is not null and state = 'live'
    and not exists (select 1 from segment_packs s where s.pack_id = packs.id)`.execute(db);
  // With the state in front, or SQLite takes the index of all packs by state.
  await sql`create index packs_unmeasured on packs (state, live_bytes, id)
    where state = 'live' and live_bytes is null`.execute(db);
  await sql`create index packs_compactable on packs (state, domain_id, live_bytes, id)
    where state = 'live' and live_bytes is not null and (size < 8388608 or live_bytes < size / 2)`.execute(db);
}
