import type { Transaction } from '../db/database.ts';

/**
 * The folder of the images that everybody may make disks and images from. Clients have its id built in: where no folder
 * is named they look for families here (contract of the public API: the pseudo-folder `standard-images`).
 */
export const standardImagesFolderId = 'standard-images';

/**
 * The cloud that the folder is alone in, and so its dedup domain: what everybody may use shares no chunks with what one
 * cloud keeps to itself. It is in every pack's header, and so the same in every installation: whoever rebuilds lost
 * metadata knows these packs by it.
 */
export const standardImagesCloudId = 'standard-images-cloud';

/** Makes the folder and its cloud, or leaves them as they are. Called at every start: older installations had none. */
export async function ensureStandardImages(tx: Transaction, now: Date): Promise<void> {
  const plain = { labels: '{}', created_at: now.getTime() };
  await tx
    .insertInto('clouds')
    .values({
      ...plain,
      id: standardImagesCloudId,
      name: 'standard-images',
      description: 'The cloud of the folder standard-images; no list shows it',
      organization_id: '',
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  await tx
    .insertInto('folders')
    .values({
      ...plain,
      id: standardImagesFolderId,
      cloud_id: standardImagesCloudId,
      name: 'standard-images',
      description: 'Images that everybody may make disks and images from',
      status: 'ACTIVE',
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}
