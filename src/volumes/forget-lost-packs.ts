import type { Transaction } from '../db/database.ts';
import { deleteChunksOfPacks } from './chunk-rows.ts';
import { dropAllSegmentCheckpoints } from './import-segment-rows.ts';
import type { Store } from './store.ts';

/**
 * For a start on metadata out of a backup: forgets packs that are live by the metadata, were never needed by a sealed
 * volume, and are gone. A failed or cancelled import's go without a delay (collect-garbage.ts), and metadata from before
 * that has the import under way, with checkpoints that name chunks in them. It would go on from there and be READY over
 * bytes that are not there; and other imports would find those chunks known. Now it begins again.
 *
 * Does nothing to metadata that was never restored: there a live pack has its blob. May be repeated, and beside others'
 * work. Returns how many packs there were.
 */
export async function forgetLostPacks(
  { db, blobs, log }: Pick<Store, 'db' | 'blobs' | 'log'>,
  signal?: AbortSignal,
): Promise<number> {
  const packs = await db.read
    .selectFrom('packs')
    .select('id')
    .where('state', '=', 'live')
    .where('was_sealed', '=', 0)
    .execute();
  let forgotten = 0;
  for (const { id } of packs) {
    signal?.throwIfAborted();
    if ((await blobs.stat(id)) !== undefined) continue;
    // Another process may have condemned it since, and then deleted it.
    if (!(await db.transact((tx) => forgetPack(tx, id)))) continue;
    forgotten += 1;
    log.warn({ pack: id }, 'a pack that no image needs is gone, as behind a restored backup; it is forgotten');
  }
  return forgotten;
}

async function forgetPack(tx: Transaction, packId: string): Promise<boolean> {
  const still = tx.selectFrom('packs').select('id').where('id', '=', packId);
  const isStill = await still.where('state', '=', 'live').where('was_sealed', '=', 0).executeTakeFirst();
  if (isStill === undefined) return false;
  const holders = await tx.selectFrom('pack_pins').select('operation_id').where('pack_id', '=', packId).execute();
  for (const { operation_id: operationId } of holders) await dropAllSegmentCheckpoints(tx, operationId);
  await deleteChunksOfPacks(tx, [packId]);
  await tx.deleteFrom('segment_packs').where('pack_id', '=', packId).execute();
  await tx.deleteFrom('pack_pins').where('pack_id', '=', packId).execute();
  await tx.deleteFrom('packs').where('id', '=', packId).execute();
  return true;
}
