import type { Database } from '../../src/db/database.ts';
import { newId } from '../../src/lib/ids.ts';
import { resourceNumber } from '../../src/lib/resource-number.ts';
import { recountUsage } from '../../src/quotas/quota-rows.ts';
import { copyRow, rowsAtOnce, transactInBulk } from './bulk.ts';
import type { FilledVolume } from './fill-index.ts';

/** So many images have one family, as builds of one system do. */
const imagesOfFamily = 100;

/** An image of the folder that is there, which all others are like. */
export interface TemplateImage {
  readonly imageId: string;
  readonly operationId: string;
}

/** How the n-th image is called, and its family. */
export const imageNames = {
  name: (number: number) => `image-${String(number).padStart(8, '0')}`,
  family: (number: number) => `family-${Math.floor(number / imagesOfFamily)}`,
} as const;

/**
 * Fills a folder with READY images, each with all the rows that its Create would leave: labels, what was found in its file, the
 * hold on its volume, the operation. They are made in the order of their ids, so that indexes by id, name and age are dense.
 * Returns the ids.
 */
export async function fillFolder(
  db: Database,
  { imageId, operationId }: TemplateImage,
  { count, volumes }: { readonly count: number; readonly volumes: readonly FilledVolume[] },
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId('fd8')).sort();
  const begun = Date.now() - count * 1_000;
  for (let start = 0; start < count; start += rowsAtOnce) {
    const images = ids.slice(start, start + rowsAtOnce).map((id, at) => {
      const number = start + at;
      const volume = volumes[number % volumes.length];
      if (volume === undefined) throw new Error('no volumes');
      const created_at = begun + number * 1_000;
      return { id, volume, created_at, name: imageNames.name(number), family: imageNames.family(number) };
    });
    await transactInBulk(db, async (tx) => {
      await copyRow(
        tx,
        db,
        { table: 'images', key: 'id', template: imageId },
        images.map(({ volume: { id: volume_id, sizeBytes: size, guestDigest: guest_digest }, ...image }) => {
          return { ...image, number: resourceNumber(image.id), volume_id, size, guest_digest };
        }),
      );
      const ofImages = images.map(({ id }) => ({ image_id: id }));
      await copyRow(tx, db, { table: 'image_labels', key: 'image_id', template: imageId }, ofImages);
      await copyRow(tx, db, { table: 'image_sources', key: 'image_id', template: imageId }, ofImages);
      await copyRow(
        tx,
        db,
        { table: 'volume_references', key: 'holder_id', template: imageId },
        images.map(({ id, volume }) => ({ holder_id: id, volume_id: volume.id })),
      );
      await copyRow(
        tx,
        db,
        { table: 'operations', key: 'id', template: operationId },
        images.map(({ id: resource_id, name: resource_name, created_at }) => {
          const id = newId('fd8');
          const number = resourceNumber(id);
          return { id, number, resource_id, resource_name, created_at, modified_at: created_at };
        }),
      );
    });
  }
  if (db.dialect === 'postgres') await db.transact(recountUsage);
  return ids;
}
