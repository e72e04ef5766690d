import type { Transaction } from '../db/database.ts';
import type { ContentSource } from '../resources/content-source.ts';
import type { Image } from './image.ts';
import { lockImage } from './image-rows.ts';

/** An image that another one or a disk is made from. */
export async function lockImageSource(tx: Transaction, id: string): Promise<(Image & ContentSource) | undefined> {
  const image = await lockImage(tx, id);
  if (image === undefined) return undefined;
  const { volumeId, sizeBytes, guestDigest, minDiskSizeBytes } = image;
  const volume = volumeId === undefined ? undefined : { volumeId, sizeBytes, guestDigest };
  return { ...image, volume, minSizeBytes: minDiskSizeBytes };
}
