import { sql } from 'kysely';
import type { Queryable } from '../db/database.ts';
import { createPace } from '../lib/pace.ts';
import { type CompactionGroup, compactGroup } from './compact-group.ts';
import type { WriterLease } from './pack-rows.ts';
import type { Store } from './store.ts';

/** What a compaction did. */
export interface Compacted {
  /** Packs that nothing needs any more: what was needed of them is elsewhere. */
  readonly packs: number;
  readonly movedBytes: number;
  /** That come back, at once or when the packs' delay is over. */
  readonly freedBytes: number;
}

export interface CompactOptions {
  /** In whose name the new packs are written: once it is lost they never become live, and a collection deletes them. */
  readonly lease: WriterLease;
  readonly signal: AbortSignal;
  /** Bytes read a second, at most. */
  readonly bytesPerSecond: number;
  readonly onProgress: (soFar: Compacted) => void;
}

/** A new pack is filled up to this, as an import's is. */
const packBytes = 32 * 1024 * 1024;
/**
 * Packs of which less than half is needed, and small ones, below a quarter of that: slow sources make many of them, because a pack
 * is closed after five seconds. The condition of an index, in its own words.
 */
const isCompactable = sql<boolean>`
  state = 'live' and live_bytes is not null and (size < 8388608 or live_bytes < size / 2)`;
/** So many small packs are worth writing again as one: each byte is then moved a few times in its life and not more. */
const smallPacks = 4;

/**
 * Moves what is needed of mostly dead and of small packs together into new ones, so that the old ones' space comes back.
 *
 * Runs beside imports, reads and collections, and may be killed anywhere: a new pack counts only once its one
 * transaction is committed, and an old one keeps its blob until the collector's rules let it go.
 */
export async function compactPacks(store: Store, options: CompactOptions): Promise<Compacted> {
  const { lease, signal, onProgress } = options;
  const pace = createPace(options.bytesPerSecond);
  const done = { packs: 0, movedBytes: 0, freedBytes: 0 };
  // What is not to be moved now, because it is pinned or damaged, is not tried twice.
  const tried = new Set<string>();
  for (;;) {
    const groups = await findCompactable(store, tried);
    if (groups.length === 0) return done;
    for (const group of groups) {
      signal.throwIfAborted();
      const { packs, movedBytes } = await compactGroup(store, group, { lease, signal, pace });
      for (const packId of group.packIds) tried.add(packId);
      done.packs += packs.length;
      done.movedBytes += movedBytes;
      done.freedBytes += packs.reduce((sum, pack) => sum + pack.sizeBytes, 0) - movedBytes;
      onProgress({ ...done });
    }
  }
}

/**
 * Packs that are worth it, by their measured use. Only a nomination: what is needed of them is found again when they
 * are compacted. One with a damaged entry stays where it is until an import has healed that.
 */
export async function findCompactable(
  { db }: Pick<Store, 'db'>,
  except: ReadonlySet<string> = new Set(),
): Promise<CompactionGroup[]> {
  const rows = await compactablePacks(db.read).execute();
  const packs = rows.filter(({ id }) => !except.has(id));
  return [...Map.groupBy(packs, (pack) => pack.domain_id)].flatMap(([domainId, ofDomain]) => {
    const nominees = ofDomain.map(({ id, size, live_bytes }) => ({ id, size, liveBytes: live_bytes ?? size }));
    return fill(nominees)
      .filter((group) => group.length >= smallPacks || group.some(({ size, liveBytes }) => liveBytes < size / 2))
      .map((group) => ({
        domainId,
        packIds: group.map(({ id }) => id),
        bytes: group.reduce((sum, { liveBytes }) => sum + liveBytes, 0),
      }));
  });
}

/** The emptiest of each domain first; found by an index that has no others. */
export function compactablePacks(db: Queryable) {
  return db
    .selectFrom('packs')
    .select(['id', 'domain_id', 'size', 'live_bytes'])
    .where(isCompactable)
    .where((pack) =>
      pack.not(pack.exists(pack.selectFrom('pack_pins').select('operation_id').whereRef('pack_id', '=', 'packs.id'))),
    )
    .where((pack) =>
      pack.not(
        pack.exists(
          pack
            .selectFrom('chunks')
            .select('chunks.id')
            .whereRef('chunks.pack_id', '=', 'packs.id')
            .where('chunks.quarantined', '=', 1),
        ),
      ),
    )
    .orderBy('domain_id')
    .orderBy('live_bytes')
    .orderBy('id');
}

interface Nominee {
  readonly id: string;
  readonly size: number;
  readonly liveBytes: number;
}

/** Groups whose needed bytes fit into one pack; the emptiest packs come first. */
function fill(nominees: readonly Nominee[]): Nominee[][] {
  const groups: Nominee[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const nominee of nominees) {
    if (bytes + nominee.liveBytes > packBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(nominee);
    bytes += nominee.liveBytes;
  }
  return groups;
}
