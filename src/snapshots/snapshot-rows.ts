import type { Insertable, Selectable } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { SnapshotsTable } from '../db/schema.ts';
import { parseJson, stringMapOf, stringsOf } from '../lib/json.ts';
import { resourceNumber } from '../lib/resource-number.ts';
import { claimName } from '../resources/claim-name.ts';
import type { ContentSource } from '../resources/content-source.ts';
import { guestDetailsFromText, guestDetailsToJson } from '../resources/guest-details.ts';
import { hardwareGenerationFromJson, hardwareGenerationToJson } from '../resources/hardware-generation.ts';
import { originFromJson, originToJson } from '../resources/origin.ts';
import type { Snapshot } from './snapshot.ts';

/** Writes a row that gives `snapshot` its name. Throws ALREADY_EXISTS when another snapshot of the folder has it. */
export function claimSnapshotName(tx: Transaction, snapshot: Snapshot, write: () => Promise<void>): Promise<void> {
  return claimName({ ...snapshot, noun: 'Snapshot', findHolder: () => findSnapshotByName(tx, snapshot), write });
}

/** Throws DatabaseFailed with `isConstraint` when the folder has a snapshot of this name. */
export async function insertSnapshot(tx: Transaction, snapshot: Snapshot): Promise<void> {
  await tx.insertInto('snapshots').values(toRow(snapshot)).execute();
  await insertLabels(tx, snapshot);
}

export async function findSnapshot(db: Queryable, id: string): Promise<Snapshot | undefined> {
  const row = await db.selectFrom('snapshots').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toSnapshot(row);
}

/** The snapshot, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockSnapshot(tx: Transaction, id: string): Promise<Snapshot | undefined> {
  const row = await tx
    .updateTable('snapshots')
    .set((values) => ({ status: values.ref('status') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toSnapshot(row);
}

/** A snapshot that a disk or an image is made from; nobody says of a snapshot what system is on it. */
export async function lockSnapshotSource(tx: Transaction, id: string): Promise<(Snapshot & ContentSource) | undefined> {
  const snapshot = await lockSnapshot(tx, id);
  return snapshot === undefined ? undefined : { ...snapshot, minSizeBytes: snapshot.diskSizeBytes, os: undefined };
}

/** Writes everything of the snapshot anew. Throws as insertSnapshot. */
export async function replaceSnapshot(tx: Transaction, snapshot: Snapshot): Promise<void> {
  await tx.updateTable('snapshots').set(toRow(snapshot)).where('id', '=', snapshot.id).execute();
  await tx.deleteFrom('snapshot_labels').where('snapshot_id', '=', snapshot.id).execute();
  await insertLabels(tx, snapshot);
}

/** Its labels go with it; the reference to its volume is the caller's to remove. May be repeated. */
export async function deleteSnapshotRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('snapshots').where('id', '=', id).execute();
}

export async function findSnapshotByName(
  db: Queryable,
  { folderId, name }: { readonly folderId: string; readonly name: string },
): Promise<Snapshot | undefined> {
  const named = db.selectFrom('snapshots').selectAll().where('folder_id', '=', folderId).where('name', '=', name);
  const row = await named.executeTakeFirst();
  return row === undefined ? undefined : toSnapshot(row);
}

export async function findSnapshotByNumber(
  db: Queryable,
  { folderId, number }: { readonly folderId: string; readonly number: string },
): Promise<Snapshot | undefined> {
  const row = await db
    .selectFrom('snapshots')
    .selectAll()
    .where('number', '=', number)
    .where('folder_id', '=', folderId)
    .executeTakeFirst();
  return row === undefined ? undefined : toSnapshot(row);
}

async function insertLabels(tx: Transaction, { id, labels }: Snapshot): Promise<void> {
  const rows = Object.entries(labels).map(([key, value]) => ({ snapshot_id: id, key, value }));
  if (rows.length > 0) await tx.insertInto('snapshot_labels').values(rows).execute();
}

function toRow(snapshot: Snapshot): Insertable<SnapshotsTable> {
  const { origin } = snapshot;
  return {
    id: snapshot.id,
    folder_id: snapshot.folderId,
    created_at: snapshot.createdAt.getTime(),
    name: snapshot.name,
    description: snapshot.description,
    labels: JSON.stringify(snapshot.labels),
    storage_size: snapshot.storageSizeBytes,
    disk_size: snapshot.diskSizeBytes,
    product_ids: JSON.stringify(snapshot.productIds),
    status: snapshot.status,
    source_disk_id: snapshot.sourceDiskId,
    hardware_generation: JSON.stringify(hardwareGenerationToJson(snapshot.hardwareGeneration)),
    volume_id: snapshot.volume?.volumeId ?? null,
    guest_digest: snapshot.volume?.guestDigest ?? '',
    number: resourceNumber(snapshot.id),
    guest: JSON.stringify(guestDetailsToJson(snapshot.guest)),
    storage_locations: JSON.stringify(snapshot.storageLocations),
    origin: origin === undefined ? null : JSON.stringify(originToJson(origin)),
  };
}

export function toSnapshot(row: Selectable<SnapshotsTable>): Snapshot {
  const { volume_id: volumeId, disk_size: sizeBytes, guest_digest: guestDigest } = row;
  return {
    id: row.id,
    folderId: row.folder_id,
    createdAt: new Date(row.created_at),
    name: row.name,
    description: row.description,
    labels: stringMapOf(parseJson(row.labels), 'labels'),
    storageSizeBytes: row.storage_size,
    diskSizeBytes: sizeBytes,
    productIds: stringsOf(parseJson(row.product_ids), 'product_ids'),
    status: row.status,
    sourceDiskId: row.source_disk_id,
    hardwareGeneration: hardwareGenerationFromJson(parseJson(row.hardware_generation)),
    // A snapshot's volume is as long as the disk was.
    volume: volumeId === null ? undefined : { volumeId, sizeBytes, guestDigest },
    guest: guestDetailsFromText(row.guest),
    storageLocations: stringsOf(parseJson(row.storage_locations), 'storage_locations'),
    origin: row.origin === null ? undefined : originFromJson(parseJson(row.origin)),
  };
}
