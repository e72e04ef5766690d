import type { Transaction } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import type { Image } from './image.ts';
import { lockImage, replaceImage } from './image-rows.ts';
import { insertImageSource } from './image-source-rows.ts';
import { chooseMinDiskSize } from './min-disk-size.ts';
import type { SourceReport } from './source-report.ts';

export interface SealedContent {
  readonly imageId: string;
  /** The volume that is durable and complete. */
  readonly volumeId: string;
  /** The disk's size as a guest sees it. */
  readonly sizeBytes: number;
  /** Stored bytes as if the image stood alone. */
  readonly storageSizeBytes: number;
  /** The digest of the guest bytes, in hexadecimal digits. */
  readonly guestDigest: string;
  /** What was found in the file that it was made from; undefined when it was made from none. */
  readonly source?: SourceReport;
}

/**
 * Makes the image READY: from here on its content never changes, and its volume is needed. A part of the transaction
 * that ends its creation. What was asked for as the minimal disk size may have been changed by an Update meanwhile; the
 * row's word counts. Throws INVALID_ARGUMENT when that is below the size, and RESOURCE_EXHAUSTED when its stored bytes are more
 * than the cloud may have.
 */
export async function sealImage(tx: Transaction, content: SealedContent): Promise<Image> {
  const { imageId, volumeId, sizeBytes, storageSizeBytes, guestDigest, source } = content;
  const image = await lockImage(tx, imageId);
  if (image === undefined) throw notFound('Image', imageId);
  const minDiskSizeBytes = chooseMinDiskSize(image.minDiskSizeBytes, sizeBytes);
  const sealed: Image = {
    ...image,
    status: 'READY',
    volumeId,
    sizeBytes,
    storageSizeBytes,
    guestDigest,
    minDiskSizeBytes,
  };
  await replaceImage(tx, sealed);
  await assertWithinQuotas(tx, sealed.folderId, { 'compute.images.size': storageSizeBytes });
  await addVolumeReference(tx, imageId, volumeId);
  if (source !== undefined) await insertImageSource(tx, imageId, source);
  return sealed;
}
