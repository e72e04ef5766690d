import { sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { slices } from './chunk-rows.ts';

/** The right to write for an operation; operations/ has the real one, and hands in the check (StoreLeases). */
export interface WriterLease {
  readonly operationId: string;
  readonly epoch: number;
}

/** What the store must know of leases; operations/ knows it and service.ts hands it in. */
export interface StoreLeases {
  /** Throws unless the lease is in force, and keeps it so until the transaction ends. */
  assertHeld(tx: Transaction, lease: WriterLease): Promise<void>;
  /** Whether the operation is under way under this epoch. */
  isHeld(db: Queryable, lease: WriterLease): Promise<boolean>;
}

/** Live packs whose use has changed since they were measured, or that nothing needs: the condition of an index, in its own words. */
export const isUnmeasured = sql<boolean>`state = 'live' and live_bytes is null`;

/** Before a pack's first byte: its row, pinned by its writer. */
export async function insertWritingPack(
  tx: Transaction,
  pack: { id: string; domainId: string; lease: WriterLease; now: number },
): Promise<void> {
  await tx
    .insertInto('packs')
    .values({
      id: pack.id,
      domain_id: pack.domainId,
      state: 'writing',
      size: 0,
      operation_id: pack.lease.operationId,
      lease_epoch: pack.lease.epoch,
      created_at: pack.now,
      was_sealed: 0,
      condemned_at: null,
    })
    .execute();
  await pinPacks(tx, pack.lease.operationId, [pack.id]);
}

/** The writer of packs that were found and not written: no operation has this id. */
export const adopted = '';

/** A pack that was found without a row. Its header says whose it is; whoever needs that reads it. */
export async function insertAdoptedPack(
  tx: Transaction,
  { id, sizeBytes, now }: { readonly id: string; readonly sizeBytes: number; readonly now: number },
): Promise<void> {
  await tx
    .insertInto('packs')
    .values({
      id,
      domain_id: '',
      state: 'condemned',
      size: sizeBytes,
      operation_id: adopted,
      lease_epoch: 0,
      created_at: now,
      was_sealed: 1,
      condemned_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The pack's bytes are durable and may be referred to. */
export async function markPackLive(tx: Transaction, packId: string, sizeBytes: number): Promise<void> {
  await tx
    .updateTable('packs')
    .set({ state: 'live', size: sizeBytes })
    .where('id', '=', packId)
    .where('state', '=', 'writing')
    .execute();
}

export async function pinPacks(tx: Transaction, operationId: string, packIds: readonly string[]): Promise<void> {
  for (const some of slices(packIds, 500)) {
    await tx
      .insertInto('pack_pins')
      .values(some.map((packId) => ({ operation_id: operationId, pack_id: packId })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Bytes were stored again in another pack: whoever holds the old one holds the new one too. */
export async function copyPins(tx: Transaction, from: string, to: string): Promise<void> {
  await tx
    .insertInto('pack_pins')
    .columns(['operation_id', 'pack_id'])
    .expression((eb) =>
      eb
        .selectFrom('pack_pins')
        .select((row) => ['operation_id', row.val(to).as('pack_id')])
        .where('pack_id', '=', from),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * Those of the packs that are live. As transactions are serializable they stay so until the transaction ends: nobody
 * condemns them between the look-up and the pin.
 */
export async function findLivePacks(tx: Transaction, packIds: readonly string[]): Promise<Set<string>> {
  const live = new Set<string>();
  for (const some of slices(packIds, 500)) {
    const rows = await tx
      .selectFrom('packs')
      .select('id')
      .where('id', 'in', some)
      .where('state', '=', 'live')
      .execute();
    for (const { id } of rows) live.add(id);
  }
  return live;
}

export async function findPinnedPacks(db: Queryable, operationId: string): Promise<Set<string>> {
  const rows = await db.selectFrom('pack_pins').select('pack_id').where('operation_id', '=', operationId).execute();
  return new Set(rows.map((row) => row.pack_id));
}

/** Nothing needs the packs or will again. Their rows in the index go, or move, in the same transaction. */
export async function markPacksCondemned(tx: Transaction, packIds: readonly string[], now: number): Promise<void> {
  await tx.updateTable('packs').set({ state: 'condemned', condemned_at: now }).where('id', 'in', packIds).execute();
}

/** The operation is over: what it referred to is now held by its volume, or garbage. */
export async function unpinPacks(tx: Transaction, operationId: string): Promise<void> {
  await tx
    .updateTable('packs')
    .set({ live_bytes: null })
    .where('live_bytes', 'is not', null)
    .where('id', 'in', (pins) => pins.selectFrom('pack_pins').select('pack_id').where('operation_id', '=', operationId))
    .execute();
  await tx.deleteFrom('pack_pins').where('operation_id', '=', operationId).execute();
}

/** A sealed volume refers to what this operation pinned: from now on a condemned pack of these waits its delay. */
export async function markPinnedPacksSealed(tx: Transaction, operationId: string): Promise<void> {
  await tx
    .updateTable('packs')
    .set({ was_sealed: 1 })
    .where('was_sealed', '=', 0)
    .where('id', 'in', (pins) => pins.selectFrom('pack_pins').select('pack_id').where('operation_id', '=', operationId))
    .execute();
}
