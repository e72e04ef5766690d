import { insertAccessBinding } from '../access/access-binding-rows.ts';
import type { Transaction } from '../db/database.ts';

/**
 * The folder of the images that everybody may make disks and images from. Clients have its id built in: where no folder
 * is named they look for families here (https://yandex.cloud/en/docs/compute/operations/images-with-pre-installed-software/get-list).
 */
export const standardImagesFolderId = 'standard-images';

/**
 * The cloud that the folder is alone in, and so its dedup domain: what everybody may use shares no chunks with what one
 * cloud keeps to itself. It is in every pack's header, and so the same in every installation: whoever rebuilds lost
 * metadata knows these packs by it.
 */
export const standardImagesCloudId = 'standard-images-cloud';

/**
 * To see the folder, and to use its images as sources. Not `viewer`: with that everybody would also see who has attached an
 * image, and the folder's service accounts.
 */
const rolesOfEverybody = ['compute.images.user', 'resource-manager.viewer'] as const;

/**
 * Makes the folder and its cloud, and gives everybody who has a token the roles to use it; or leaves all as it is: an
 * administrator may have taken the roles back. Called at every start, because older installations had no such folder.
 */
export async function ensureStandardImages(tx: Transaction, now: Date): Promise<void> {
  const found = tx.selectFrom('folders').select('id').where('id', '=', standardImagesFolderId);
  if ((await found.executeTakeFirst()) !== undefined) return;
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
    .onConflict((conflict) => conflict.column('id').doNothing()) // a rebuild may have made it
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
    .execute();
  const subject = { type: 'system', id: 'allAuthenticatedUsers' } as const;
  for (const roleId of rolesOfEverybody) await insertAccessBinding(tx, standardImagesFolderId, { roleId, subject });
}
