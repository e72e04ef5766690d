import type { Insertable, Selectable } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { DisksTable } from '../db/schema.ts';
import { parseJson, stringMapOf, stringsOf } from '../lib/json.ts';
import { resourceNumber } from '../lib/resource-number.ts';
import { claimName } from '../resources/claim-name.ts';
import { guestDetailsFromText, guestDetailsToJson } from '../resources/guest-details.ts';
import { hardwareGenerationFromJson, hardwareGenerationToJson } from '../resources/hardware-generation.ts';
import { originFromJson, originToJson } from '../resources/origin.ts';
import { osFromJson, osToJson } from '../resources/os.ts';
import type { Disk } from './disk.ts';
import { placementPolicyFromJson, placementPolicyToJson } from './disk-json.ts';

/** Writes a row that gives `disk` its name. Throws ALREADY_EXISTS when another disk of the folder has it. */
export function claimDiskName(tx: Transaction, disk: Disk, write: () => Promise<void>): Promise<void> {
  return claimName({ ...disk, noun: 'Disk', findHolder: () => findDiskByName(tx, disk), write });
}

/** Throws DatabaseFailed with `isConstraint` when the folder has a disk of this name. */
export async function insertDisk(tx: Transaction, disk: Disk): Promise<void> {
  await tx.insertInto('disks').values(toRow(disk)).execute();
  await insertLabels(tx, disk);
}

export async function findDisk(db: Queryable, id: string): Promise<Disk | undefined> {
  const row = await db.selectFrom('disks').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toDisk(row);
}

/** The disk, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockDisk(tx: Transaction, id: string): Promise<Disk | undefined> {
  const row = await tx
    .updateTable('disks')
    .set((values) => ({ status: values.ref('status') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toDisk(row);
}

/** Writes everything of the disk anew. Throws as insertDisk. */
export async function replaceDisk(tx: Transaction, disk: Disk): Promise<void> {
  await tx.updateTable('disks').set(toRow(disk)).where('id', '=', disk.id).execute();
  await tx.deleteFrom('disk_labels').where('disk_id', '=', disk.id).execute();
  await insertLabels(tx, disk);
}

/** Named in one statement. */
const adoptedAtOnce = 500;

/** Where a disk is. */
export interface DiskPlace {
  /** The node that has its overlay, or is to have it; '' as long as nobody was ever to open it. */
  readonly nodeId: string;
  /** Without it the disk can't be read: the base alone is not what was written. */
  readonly hasOverlay: boolean;
}

export async function findDiskPlace(db: Queryable, id: string): Promise<DiskPlace | undefined> {
  const row = await db.selectFrom('disks').select(['node_id', 'has_overlay']).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : { nodeId: row.node_id, hasOverlay: row.has_overlay === 1 };
}

/** The disk is to be opened at this node, and nowhere else. */
export async function placeDisk(tx: Transaction, id: string, nodeId: string): Promise<void> {
  await tx.updateTable('disks').set({ node_id: nodeId }).where('id', '=', id).execute();
}

/** From now on the disk has an overlay, at this node. Says whether the disk is still there, and not another node's. */
export async function keepOverlay(tx: Transaction, id: string, nodeId: string): Promise<boolean> {
  const kept = tx
    .updateTable('disks')
    .set({ has_overlay: 1, node_id: nodeId })
    .where('id', '=', id)
    .where('node_id', 'in', ['', nodeId])
    .returning('id');
  return (await kept.executeTakeFirst()) !== undefined;
}

/**
 * Takes over the disks whose overlays are here and that are at no node by their rows, which may be out of a backup; where there
 * are no other nodes, those of whatever node the rows name, too.
 */
export async function adoptDisks(
  tx: Transaction,
  nodeId: string,
  { diskIds, ofAllNodes }: { readonly diskIds: readonly string[]; readonly ofAllNodes: boolean },
): Promise<void> {
  const adopted = tx.updateTable('disks').set({ has_overlay: 1, node_id: nodeId });
  for (let at = 0; at < diskIds.length; at += adoptedAtOnce) {
    const some = diskIds.slice(at, at + adoptedAtOnce);
    await adopted.where('node_id', '=', '').where('id', 'in', some).execute();
  }
  if (ofAllNodes) await adopted.where('has_overlay', '=', 1).where('node_id', '<>', nodeId).execute();
}

/** How many disks have an overlay at each node. */
export async function countDisksByNode(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('disks')
    .select((row) => ['node_id', row.fn.countAll<number | string>().as('disks')])
    .where('has_overlay', '=', 1)
    .groupBy('node_id')
    .execute();
  return new Map(rows.map((row) => [row.node_id, Number(row.disks)]));
}

/** What was written to the node's disks is lost: they are their bases again, and nowhere. Returns their ids. */
export async function abandonDisksOf(tx: Transaction, nodeId: string): Promise<string[]> {
  const rows = await tx
    .updateTable('disks')
    .set({ has_overlay: 0, node_id: '' })
    .where('node_id', '=', nodeId)
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

/** Its labels go with it; the reference to its base is the caller's to remove. May be repeated. */
export async function deleteDiskRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('disks').where('id', '=', id).execute();
}

export async function findDiskByName(
  db: Queryable,
  { folderId, name }: { readonly folderId: string; readonly name: string },
): Promise<Disk | undefined> {
  const named = db.selectFrom('disks').selectAll().where('folder_id', '=', folderId).where('name', '=', name);
  const row = await named.executeTakeFirst();
  return row === undefined ? undefined : toDisk(row);
}

export async function findDiskByNumber(
  db: Queryable,
  { folderId, number }: { readonly folderId: string; readonly number: string },
): Promise<Disk | undefined> {
  const numbered = db.selectFrom('disks').selectAll().where('number', '=', number).where('folder_id', '=', folderId);
  const row = await numbered.executeTakeFirst();
  return row === undefined ? undefined : toDisk(row);
}

async function insertLabels(tx: Transaction, { id, labels }: Disk): Promise<void> {
  const rows = Object.entries(labels).map(([key, value]) => ({ disk_id: id, key, value }));
  if (rows.length > 0) await tx.insertInto('disk_labels').values(rows).execute();
}

function toRow(disk: Disk): Insertable<DisksTable> {
  const { source, os, base, origin } = disk;
  return {
    id: disk.id,
    folder_id: disk.folderId,
    created_at: disk.createdAt.getTime(),
    name: disk.name,
    description: disk.description,
    labels: JSON.stringify(disk.labels),
    type_id: disk.typeId,
    zone_id: disk.zoneId,
    size: disk.sizeBytes,
    block_size: disk.blockSizeBytes,
    product_ids: JSON.stringify(disk.productIds),
    status: disk.status,
    source_image_id: source?.kind === 'image' ? source.id : '',
    source_snapshot_id: source?.kind === 'snapshot' ? source.id : '',
    os: os === undefined ? null : JSON.stringify(osToJson(os)),
    hardware_generation: JSON.stringify(hardwareGenerationToJson(disk.hardwareGeneration)),
    placement_policy: JSON.stringify(placementPolicyToJson(disk.placementPolicy)),
    volume_id: base?.volumeId ?? null,
    volume_size: base?.sizeBytes ?? 0,
    volume_digest: base?.guestDigest ?? '',
    number: resourceNumber(disk.id),
    guest: JSON.stringify(guestDetailsToJson(disk.guest)),
    origin: origin === undefined ? null : JSON.stringify(originToJson(origin)),
  };
}

export function toDisk(row: Selectable<DisksTable>): Disk {
  const { source_image_id: imageId, source_snapshot_id: snapshotId, volume_id: volumeId } = row;
  return {
    id: row.id,
    folderId: row.folder_id,
    createdAt: new Date(row.created_at),
    name: row.name,
    description: row.description,
    labels: stringMapOf(parseJson(row.labels), 'labels'),
    typeId: row.type_id,
    zoneId: row.zone_id,
    sizeBytes: row.size,
    blockSizeBytes: row.block_size,
    productIds: stringsOf(parseJson(row.product_ids), 'product_ids'),
    status: row.status,
    source: sourceOf(imageId, snapshotId),
    os: row.os === null ? undefined : osFromJson(parseJson(row.os)),
    hardwareGeneration: hardwareGenerationFromJson(parseJson(row.hardware_generation)),
    placementPolicy: placementPolicyFromJson(parseJson(row.placement_policy)),
    base: volumeId === null ? undefined : { volumeId, sizeBytes: row.volume_size, guestDigest: row.volume_digest },
    guest: guestDetailsFromText(row.guest),
    origin: row.origin === null ? undefined : originFromJson(parseJson(row.origin)),
  };
}

function sourceOf(imageId: string, snapshotId: string): Disk['source'] {
  if (imageId !== '') return { kind: 'image', id: imageId };
  return snapshotId === '' ? undefined : { kind: 'snapshot', id: snapshotId };
}
