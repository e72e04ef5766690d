import type { Insertable, Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { ImagesTable } from '../db/schema.ts';
import { parseJson, stringMapOf, stringsOf } from '../lib/json.ts';
import { resourceNumber } from '../lib/resource-number.ts';
import { claimName } from '../resources/claim-name.ts';
import { guestDetailsFromText, guestDetailsToJson } from '../resources/guest-details.ts';
import { hardwareGenerationFromJson, hardwareGenerationToJson } from '../resources/hardware-generation.ts';
import { originFromJson, originToJson } from '../resources/origin.ts';
import { osFromJson, osToJson } from '../resources/os.ts';
import { deprecationFromJson, deprecationToJson } from './deprecation.ts';
import type { Image } from './image.ts';

/** Writes a row that gives `image` its name. Throws ALREADY_EXISTS when another image of the folder has it. */
export function claimImageName(tx: Transaction, image: Image, write: () => Promise<void>): Promise<void> {
  return claimName({ ...image, noun: 'Image', findHolder: () => findImageByName(tx, image), write });
}

/** Throws DatabaseFailed with `isConstraint` when the folder has an image of this name. */
export async function insertImage(tx: Transaction, image: Image): Promise<void> {
  await tx.insertInto('images').values(toRow(image)).execute();
  await insertLabels(tx, image);
}

export async function findImage(db: Queryable, id: string): Promise<Image | undefined> {
  const row = await db.selectFrom('images').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toImage(row);
}

/** The image, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockImage(tx: Transaction, id: string): Promise<Image | undefined> {
  const row = await tx
    .updateTable('images')
    .set((values) => ({ status: values.ref('status') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toImage(row);
}

/** Writes everything of the image anew. Throws as insertImage. */
export async function replaceImage(tx: Transaction, image: Image): Promise<void> {
  await tx.updateTable('images').set(toRow(image)).where('id', '=', image.id).execute();
  await tx.deleteFrom('image_labels').where('image_id', '=', image.id).execute();
  await insertLabels(tx, image);
}

/** Its labels go with it; the reference to its volume is the caller's to remove. May be repeated. */
export async function deleteImageRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('images').where('id', '=', id).execute();
}

export async function findImageByName(
  db: Queryable,
  { folderId, name }: { readonly folderId: string; readonly name: string },
): Promise<Image | undefined> {
  const row = await db
    .selectFrom('images')
    .selectAll()
    .where('folder_id', '=', folderId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? undefined : toImage(row);
}

export async function findImageByNumber(
  db: Queryable,
  { folderId, number }: { readonly folderId: string; readonly number: string },
): Promise<Image | undefined> {
  const numbered = db.selectFrom('images').selectAll().where('number', '=', number).where('folder_id', '=', folderId);
  const row = await numbered.executeTakeFirst();
  return row === undefined ? undefined : toImage(row);
}

interface Family {
  readonly folderId: string;
  readonly family: string;
}

/** The newest READY image of the family that is not deprecated. */
export async function findLatestReady(db: Queryable, family: Family): Promise<Image | undefined> {
  const row = await latestReady(db, family).executeTakeFirst();
  return row === undefined ? undefined : toImage(row);
}

export function latestReady(db: Queryable, { folderId, family }: Family) {
  return (
    db
      .selectFrom('images')
      .selectAll()
      .where('folder_id', '=', folderId)
      .where('family', '=', family)
      // The condition of the index, in its own words.
      .where(sql<boolean>`family <> ''`)
      .where(sql<boolean>`deprecation_state in ('', 'ACTIVE')`)
      .where('status', '=', 'READY')
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
  );
}

async function insertLabels(tx: Transaction, { id, labels }: Image): Promise<void> {
  const rows = Object.entries(labels).map(([key, value]) => ({ image_id: id, key, value }));
  if (rows.length > 0) await tx.insertInto('image_labels').values(rows).execute();
}

function toRow(image: Image): Insertable<ImagesTable> {
  const { deprecation, origin } = image;
  return {
    id: image.id,
    folder_id: image.folderId,
    created_at: image.createdAt.getTime(),
    name: image.name,
    description: image.description,
    labels: JSON.stringify(image.labels),
    family: image.family,
    storage_size: image.storageSizeBytes,
    min_disk_size: image.minDiskSizeBytes,
    size: image.sizeBytes,
    product_ids: JSON.stringify(image.productIds),
    status: image.status,
    os: JSON.stringify(osToJson(image.os)),
    pooled: image.pooled ? 1 : 0,
    hardware_generation: JSON.stringify(hardwareGenerationToJson(image.hardwareGeneration)),
    guest_digest: image.guestDigest,
    volume_id: image.volumeId ?? null,
    number: resourceNumber(image.id),
    guest: JSON.stringify(guestDetailsToJson(image.guest)),
    storage_locations: JSON.stringify(image.storageLocations),
    deprecation: deprecation === undefined ? null : JSON.stringify(deprecationToJson(deprecation)),
    deprecation_state: deprecation?.state ?? '',
    origin: origin === undefined ? null : JSON.stringify(originToJson(origin)),
  };
}

export function toImage(row: Selectable<ImagesTable>): Image {
  return {
    id: row.id,
    folderId: row.folder_id,
    createdAt: new Date(row.created_at),
    name: row.name,
    description: row.description,
    labels: stringMapOf(parseJson(row.labels), 'labels'),
    family: row.family,
    storageSizeBytes: row.storage_size,
    minDiskSizeBytes: row.min_disk_size,
    productIds: stringsOf(parseJson(row.product_ids), 'product_ids'),
    status: row.status,
    os: osFromJson(parseJson(row.os)),
    pooled: row.pooled === 1,
    hardwareGeneration: hardwareGenerationFromJson(parseJson(row.hardware_generation)),
    sizeBytes: row.size,
    guestDigest: row.guest_digest,
    volumeId: row.volume_id ?? undefined,
    guest: guestDetailsFromText(row.guest),
    storageLocations: stringsOf(parseJson(row.storage_locations), 'storage_locations'),
    deprecation: row.deprecation === null ? undefined : deprecationFromJson(parseJson(row.deprecation)),
    origin: row.origin === null ? undefined : originFromJson(parseJson(row.origin)),
  };
}
