import { sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { deleteChunksOfPacks } from './chunk-rows.ts';
import { dropLooseNodes, loosenLostNodes, loosenNodes } from './loose-nodes.ts';
import { insertAdoptedPack, isUnmeasured, markPacksCondemned } from './pack-rows.ts';
import type { Store } from './store.ts';
import { loosenVolumes } from './volume-rows.ts';

/** What a collection did. */
export interface Collected {
  readonly volumes: number;
  readonly condemnedPacks: number;
  readonly deletedPacks: number;
  readonly freedBytes: number;
}

export interface CollectOptions {
  /**
   * How long a condemned pack that a sealed volume once needed is kept: longer than the newest backup of the metadata is
   * old, or a restored backup would name bytes that are gone.
   */
  readonly delayMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether to look at every manifest there is for nodes that were lost without a word, too (loose-nodes.ts); not by
   * default.
   */
  readonly looksForLost?: boolean;
}

/**
 * Finds what nothing needs any more, and gives its space back. Safe beside imports and reads, and to be killed anywhere:
 * every step is one transaction, and a pack is condemned in the transaction that finds it unneeded.
 *
 *     volume without a reference  ->  its row goes
 *     node that nothing holds any more  ->  its needs go, and the nodes below it are looked at
 *     pack that no node needs and no operation pins  ->  condemned, out of the index
 *     pack whose writer is gone  ->  condemned
 *     condemned pack, after the delay  ->  blob, then row
 */
export async function collectGarbage(store: Store, options: CollectOptions): Promise<Collected> {
  if (options.looksForLost === true) {
    await loosenLostVolumes(store);
    await loosenLostNodes(store);
  }
  const volumes = await deleteLooseVolumes(store, options);
  await dropLooseNodes(store, options.signal);
  const condemnedPacks = await condemnPacks(store, options);
  await condemnAbandonedPacks(store, options);
  const deleted = await deleteCondemnedPacks(store, options);
  return {
    volumes,
    condemnedPacks,
    deletedPacks: deleted.packs,
    freedBytes: deleted.bytes,
  };
}

/** Volumes looked at in one transaction. */
const volumesAtOnce = 64;

async function deleteLooseVolumes({ db }: Store, { signal }: CollectOptions): Promise<number> {
  let deleted = 0;
  for (;;) {
    signal?.throwIfAborted();
    // A read first: there mostly are none, and a transaction is everybody's only writer.
    const any = await db.read.selectFrom('loose_volumes').select('volume_id').limit(1).executeTakeFirst();
    if (any === undefined) return deleted;
    deleted += await db.transact(deleteSomeLooseVolumes);
  }
}

async function deleteSomeLooseVolumes(tx: Transaction): Promise<number> {
  const loose = await tx
    .selectFrom('loose_volumes')
    .select('volume_id')
    .orderBy('volume_id')
    .limit(volumesAtOnce)
    .execute();
  const ids = loose.map(({ volume_id }) => volume_id);
  if (ids.length === 0) return 0;
  await tx.deleteFrom('loose_volumes').where('volume_id', 'in', ids).execute();
  const isUnreferenced = sql<boolean>`not exists (select 1 from volume_references r where r.volume_id = volumes.id)`;
  const unreferenced = tx.selectFrom('volumes').where('id', 'in', ids).where(isUnreferenced);
  await loosenNodes(tx, unreferenced.select(['domain_id', 'root_id as node_id']));
  const result = await tx.deleteFrom('volumes').where('id', 'in', ids).where(isUnreferenced).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Looks at every volume for those that nobody needs and nobody loosened: none, but for what a rebuild or a restore left. */
async function loosenLostVolumes({ db }: Store): Promise<void> {
  const lost = await db.scan
    .selectFrom('volumes')
    .select('id')
    .where(sql<boolean>`not exists (select 1 from volume_references r where r.volume_id = volumes.id)`)
    .execute();
  if (lost.length > 0)
    await db.transact((tx) =>
      loosenVolumes(
        tx,
        lost.map(({ id }) => id),
      ),
    );
}

/** Packs condemned in one transaction: each may have a thousand rows of the index to delete. */
const packsAtOnce = 8;

async function condemnPacks(store: Store, { signal }: CollectOptions): Promise<number> {
  const { db, now } = store;
  let condemned = 0;
  for (;;) {
    signal?.throwIfAborted();
    const found = await db.transact(async (tx) => {
      const packs = (await unneededPacks(tx).limit(packsAtOnce).execute()).map(({ id }) => id);
      if (packs.length > 0) {
        await markPacksCondemned(tx, packs, now());
        await deleteChunksOfPacks(tx, packs);
      }
      return packs.length;
    });
    condemned += found;
    if (found < packsAtOnce) return condemned;
  }
}

/** Live packs that no node needs and no operation pins; of all packs only those whose use has changed are looked at. */
export function unneededPacks(tx: Queryable) {
  return tx
    .selectFrom('packs')
    .select('id')
    .where(isUnmeasured)
    .where((pack) =>
      pack.not(pack.exists(pack.selectFrom('segment_packs').select('node_id').whereRef('pack_id', '=', 'packs.id'))),
    )
    .where((pack) =>
      pack.not(pack.exists(pack.selectFrom('pack_pins').select('operation_id').whereRef('pack_id', '=', 'packs.id'))),
    );
}

interface Deleted {
  readonly packs: number;
  readonly bytes: number;
}

/** Packs that were being written by an operation that is over, or by a worker that was taken over. */
async function condemnAbandonedPacks({ db, leases, now }: Store, { signal }: CollectOptions): Promise<void> {
  const writing = await db.read.selectFrom('packs').selectAll().where('state', '=', 'writing').execute();
  for (const { id, operation_id: operationId, lease_epoch: epoch } of writing) {
    signal?.throwIfAborted();
    if (await leases.isHeld(db.read, { operationId, epoch })) continue;
    // The state only now: its writer may have made it live, sealed the volume and given up the lease since the first
    // look. Once the lease is lost it stays so, and what is still being written then can never become live.
    await db.transact((tx) =>
      tx
        .updateTable('packs')
        .set({ state: 'condemned', condemned_at: now() })
        .where('id', '=', id)
        .where('state', '=', 'writing')
        .execute(),
    );
  }
}

async function deleteCondemnedPacks(store: Store, { delayMs, signal }: CollectOptions): Promise<Deleted> {
  const due = await store.db.read
    .selectFrom('packs')
    .select(['id', 'size'])
    .where('state', '=', 'condemned')
    .where((pack) => pack.or([pack('was_sealed', '=', 0), pack('condemned_at', '<=', store.now() - delayMs)]))
    .execute();
  let packs = 0;
  let bytes = 0;
  for (const { id, size } of due) {
    signal?.throwIfAborted();
    try {
      await deletePack(store, id);
      packs += 1;
      bytes += size;
    } catch (error) {
      // One file that can't be deleted must not keep the space of all behind it. The next collection tries again.
      store.log.error({ err: error, pack: id }, 'a pack that nothing needs could not be deleted');
    }
  }
  return { packs, bytes };
}

/** The blob first: a row without a blob is deleted at the next collection, a blob without a row only by a sweep. */
async function deletePack({ db, blobs }: Store, packId: string): Promise<void> {
  await blobs.delete(packId);
  await db.transact(async (tx) => {
    await tx.deleteFrom('pack_pins').where('pack_id', '=', packId).execute();
    await tx.deleteFrom('packs').where('id', '=', packId).execute();
  });
}

/**
 * Looks for blobs that have no row; a pack's row is there before its blob is begun. Returns how many there were.
 *
 * What is not sealed is deleted. A sealed one may be what a writer that was taken over left behind, or what came back
 * with a power cut after it had been deleted; or it holds images that metadata out of a backup does not know yet.
 * Nobody can tell one from the other, so it is condemned, and waits the delay as a pack does that was needed once.
 */
export async function sweepOrphanBlobs(store: Store, signal?: AbortSignal): Promise<number> {
  const { db, blobs, log, now } = store;
  let swept = 0;
  for await (const { name, sizeBytes } of blobs.list()) {
    signal?.throwIfAborted();
    if (await hasPackRow(store, name)) continue;
    log.warn({ blob: name, sizeBytes }, 'a blob that no pack names is condemned');
    await db.transact((tx) => insertAdoptedPack(tx, { id: name, sizeBytes, now: now() }));
    swept += 1;
  }
  for await (const name of blobs.listUnsealed()) {
    signal?.throwIfAborted();
    if (await hasPackRow(store, name)) continue;
    log.warn({ blob: name }, 'a blob that no pack names was never sealed and is deleted');
    await blobs.delete(name);
    swept += 1;
  }
  return swept;
}

async function hasPackRow({ db }: Store, id: string): Promise<boolean> {
  const row = await db.read.selectFrom('packs').select('id').where('id', '=', id).executeTakeFirst();
  return row !== undefined;
}
