import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database } from '../../src/db/database.ts';
import { checkHolders } from '../../src/maintenance/check-holders.ts';
import { getSpace } from '../../src/maintenance/get-space.ts';
import { checkPacks } from '../../src/volumes/check-packs.ts';
import { checkVolumes } from '../../src/volumes/check-volumes.ts';
import { findChunks, insertChunks } from '../../src/volumes/chunk-rows.ts';
import { collectGarbage } from '../../src/volumes/collect-garbage.ts';
import { compactPacks, findCompactable } from '../../src/volumes/compact.ts';
import type { Finding } from '../../src/volumes/finding.ts';
import { measurePacks } from '../../src/volumes/measure-packs.ts';
import type { PackEntry } from '../../src/volumes/pack-format.ts';
import type { Store } from '../../src/volumes/store.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, storeGuestAs } from '../../test/fixtures/store.ts';
import { measureProcess } from '../process-usage.ts';
import type { Figure } from './sizes.ts';
import { latencies, timeEach, timeOnce } from './timing.ts';

/** Chunks of a stripe of 4 MiB, which an import looks up together. */
const stripeChunks = 64;
const keepForEver = 10 * 365 * 86_400_000;

/** What the store's own work costs, with nothing else running. */
export async function measureStore(store: Store, domainId: string): Promise<Figure[]> {
  const { db } = store;
  return [
    ...(await measureIndex(db)),
    ...(await measureLookUps(store, domainId)),
    ...(await measureCollections(store)),
    await timeOnce('Space, as GetSpace tells it', () => getSpace({ db })),
    ...(await measureChecks(store)),
    ...(await measureCompaction(store, domainId)),
  ];
}

/** Bytes that a chunk takes of the database, its indexes with it. */
async function measureIndex(db: Database): Promise<Figure[]> {
  const { rows } = await sql<{ bytes: number; chunks: number }>`
    select ${
      db.dialect === 'sqlite'
        ? sql`(select sum(pgsize) from dbstat where aggregate = true and name in ('chunks', 'chunks_by_pack', 'chunks_quarantined'))`
        : sql`pg_total_relation_size('chunks')`
    } as bytes, (select count(*) from chunks) as chunks`.execute(db.read);
  const [row] = rows;
  return [{ what: 'Index for each chunk', unit: 'bytes', value: Number(row?.bytes) / Number(row?.chunks) }];
}

async function measureLookUps(store: Store, domainId: string): Promise<Figure[]> {
  const { db } = store;
  const known = await db.read
    .selectFrom('chunks')
    .select('id')
    .where('domain_id', '=', domainId)
    .where('kind', '=', 'chunk')
    .where('id', '>', randomBytes(32))
    .limit(100 * stripeChunks)
    .execute();
  const strangers = await timeEach(100, () =>
    findChunks(
      db.read,
      domainId,
      'chunk',
      Array.from({ length: stripeChunks }, () => randomBytes(32)),
    ),
  );
  const friends = await timeEach(100, (at) => {
    // All over the list, as ids of one disk are all over the index.
    const ids = Array.from(
      { length: stripeChunks },
      (_, n) => known[(at + n * 200) % known.length]?.id ?? randomBytes(32),
    );
    return findChunks(db.read, domainId, 'chunk', ids);
  });
  const commits = await timeEach(20, () => commitAndUndo(store, domainId));
  return [
    ...latencies(`Look-up of ${stripeChunks} chunks that are new`, strangers),
    ...latencies(`Look-up of ${stripeChunks} chunks that are known`, friends),
    ...latencies('1,000 new chunks into the index, in a transaction', commits),
  ];
}

class Undone extends Error {}

/** As a pack's commit does it, but for the commit itself. */
async function commitAndUndo({ db }: Store, domainId: string): Promise<void> {
  const entries: PackEntry[] = Array.from({ length: 1_000 }, (_, at) => {
    const place = { offset: 128 + at, encodedLength: 1, plainLength: 1, crc: 0 };
    return { id: randomBytes(32), kind: 'chunk', encoding: 'plain', ...place };
  });
  const undo = db.transact(async (tx) => {
    const pack = await tx.selectFrom('packs').select('id').limit(1).executeTakeFirstOrThrow();
    await insertChunks(tx, domainId, pack.id, entries);
    throw new Undone();
  });
  await undo.catch((error: unknown) => {
    if (!(error instanceof Undone)) throw error;
  });
}

async function measureCollections(store: Store): Promise<Figure[]> {
  const first = await timeOnce('A collection that looks at all manifests', () =>
    collectGarbage(store, { delayMs: keepForEver, looksForLost: true }),
  );
  const idle = await timeEach(5, () => collectGarbage(store, { delayMs: keepForEver }));
  await measurePacks(store, { limit: 64 });
  const nominate = await timeEach(5, () => findCompactable(store));
  return [
    first,
    ...latencies('A collection with nothing to do', idle).slice(0, 1),
    ...latencies('The search for packs to compact', nominate).slice(0, 1),
  ];
}

/** Of four small packs, as slow imports leave them. */
async function measureCompaction(store: Store, domainId: string): Promise<Figure[]> {
  const { signal } = new AbortController();
  for (let seed = 1; seed <= 4; seed += 1) {
    const guest = createMemoryGuest(noise(6 * 2 ** 20, 1_000 + seed));
    await storeGuestAs({ store }, `fd8bench${String(seed).padStart(12, '0')}`, guest, domainId);
  }
  const measured = await timeOnce('Measuring of four packs', () => measurePacks(store, { limit: 64 }));
  const lease = { operationId: 'fd8bench000000000000', epoch: 1 };
  let moved = 0;
  const compact = await timeOnce('A compaction of them into one of 24 MB', async () => {
    const options = { lease, signal, onProgress() {}, bytesPerSecond: 1e9 };
    moved = (await compactPacks(store, options)).movedBytes;
  });
  if (moved < 4 * 6 * 2 ** 20) throw new Error(`a compaction moved ${moved} bytes`);
  return [measured, compact];
}

async function measureChecks(store: Store): Promise<Figure[]> {
  const usage = measureProcess(process.pid);
  const figures: Figure[] = [];
  for (const [what, findings] of [
    ['fsck: images, disks and quotas', checkHolders(store.db.scan)],
    ['fsck: packs', checkPacks(store)],
    ['fsck: volumes', checkVolumes(store)],
  ] as const) {
    const found: Finding[] = [];
    const longest = watchReads(store.db);
    figures.push(
      await timeOnce(what, async () => {
        for await (const finding of findings) found.push(finding);
      }),
      { what: `${what}, the longest that a read waited meanwhile`, unit: 'ms', value: await longest() },
    );
    if (found.length > 0)
      throw new Error(`${what}: ${found.length} findings, the first is ${JSON.stringify(found[0])}`);
  }
  return [...figures, { what: 'fsck: memory above idle', unit: 'MiB', value: usage().peakMiB }];
}

/** Reads one row every 20 ms; the answer ends that, and says how long the slowest took. */
function watchReads(db: Database): () => Promise<number> {
  let longest = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const begun = performance.now();
      await db.read.selectFrom('folders').select('id').limit(1).execute();
      longest = Math.max(longest, performance.now() - begun);
      await setTimeout(20);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return longest;
  };
}
