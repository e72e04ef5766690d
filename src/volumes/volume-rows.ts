import type { Queryable, Transaction } from '../db/database.ts';
import { type ChunkId, hexOf } from './chunk-id.ts';
import { slices } from './chunk-rows.ts';

/** Immutable content: a size and a manifest. Its root's id is its content's name. */
export interface Volume {
  readonly id: string;
  readonly domainId: string;
  readonly sizeBytes: number;
  readonly rootId: ChunkId;
  /** Encoded bytes of everything it names, as if nothing were shared with others. */
  readonly storedBytes: number;
  /** The digest tree's, over the guest bytes (guest-digest.ts). */
  readonly guestDigest: Uint8Array;
}

/** The volume with this content: the one that is there already, or a new one. */
export async function insertVolume(tx: Transaction, volume: Volume, now: number): Promise<Volume> {
  await tx
    .insertInto('volumes')
    .values({
      id: volume.id,
      domain_id: volume.domainId,
      size: volume.sizeBytes,
      root_id: volume.rootId,
      stored_bytes: volume.storedBytes,
      guest_digest: volume.guestDigest,
      sha256: null,
      created_at: now,
    })
    .onConflict((conflict) => conflict.columns(['domain_id', 'root_id']).doNothing())
    .execute();
  const row = await tx
    .selectFrom('volumes')
    .selectAll()
    .where('domain_id', '=', volume.domainId)
    .where('root_id', '=', volume.rootId)
    .executeTakeFirstOrThrow();
  return toVolume(row);
}

export async function findVolume(db: Queryable, id: string): Promise<Volume | undefined> {
  const row = await db.selectFrom('volumes').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toVolume(row);
}

/** A volume with this content (`StoredDevice.contentId`), of whichever domain; undefined when there is none. */
export async function findVolumeOfContent(db: Queryable, contentId: string): Promise<Volume | undefined> {
  const rootId = Buffer.from(contentId, 'hex');
  const found = db.selectFrom('volumes').selectAll().where('root_id', '=', rootId).orderBy('id').limit(1);
  const row = await found.executeTakeFirst();
  return row === undefined ? undefined : toVolume(row);
}

/** The SHA-256 of the guest bytes as one file, in hexadecimal digits, if somebody asked for it before. */
export async function findVolumeSha256(db: Queryable, id: string): Promise<string | undefined> {
  const row = await db.selectFrom('volumes').select('sha256').where('id', '=', id).executeTakeFirst();
  return row?.sha256 ? hexOf(row.sha256) : undefined;
}

export async function setVolumeSha256(tx: Transaction, id: string, sha256: string): Promise<void> {
  await tx
    .updateTable('volumes')
    .set({ sha256: Buffer.from(sha256, 'hex') })
    .where('id', '=', id)
    .execute();
}

/** From now on the volume is needed by `holderId`: an image, a disk, a snapshot. */
export async function addVolumeReference(tx: Transaction, holderId: string, volumeId: string): Promise<void> {
  await tx.insertInto('volume_references').values({ holder_id: holderId, volume_id: volumeId }).execute();
}

/** The volume that `holderId` needs; undefined when it needs none. */
export async function findHeldVolumeId(db: Queryable, holderId: string): Promise<string | undefined> {
  const held = db.selectFrom('volume_references').select('volume_id').where('holder_id', '=', holderId);
  return (await held.executeTakeFirst())?.volume_id;
}

/** `holderId` needs no volume any more; whether anybody does, the next collection finds out. May be repeated. */
export async function removeVolumeReference(tx: Transaction, holderId: string): Promise<void> {
  const volumeId = await findHeldVolumeId(tx, holderId);
  if (volumeId === undefined) return;
  await loosenVolumes(tx, [volumeId]);
  await tx.deleteFrom('volume_references').where('holder_id', '=', holderId).execute();
}

/** Says that nobody may need these volumes. May be repeated. */
export async function loosenVolumes(tx: Transaction, volumeIds: readonly string[]): Promise<void> {
  for (const some of slices(volumeIds, 500)) {
    await tx
      .insertInto('loose_volumes')
      .values(some.map((volume_id) => ({ volume_id })))
      // Written once more: a collection may be about to delete it, having seen that somebody needs the volume still. To find it
      // and do nothing would be no read to PostgreSQL, and so no conflict with that.
      .onConflict((conflict) =>
        conflict.column('volume_id').doUpdateSet((row) => ({ volume_id: row.ref('excluded.volume_id') })),
      )
      .execute();
  }
}

function toVolume(row: {
  id: string;
  domain_id: string;
  size: number;
  root_id: Uint8Array;
  stored_bytes: number;
  guest_digest: Uint8Array;
}): Volume {
  return {
    id: row.id,
    domainId: row.domain_id,
    sizeBytes: row.size,
    rootId: row.root_id,
    storedBytes: row.stored_bytes,
    guestDigest: row.guest_digest,
  };
}
