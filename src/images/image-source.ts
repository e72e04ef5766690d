import type { Transaction } from '../db/database.ts';
import type { ContentSource, HeldVolume } from '../resources/content-source.ts';
import type { Image } from './image.ts';
import { lockImage } from './image-rows.ts';

/** An image that another one or a disk is made from. */
export async function lockImageSource(tx: Transaction, id: string): Promise<(Image & ContentSource) | undefined> {
  const image = await lockImage(tx, id);
  if (image === undefined) return undefined;
  const { minDiskSizeBytes } = image;
  const volume = volumeOf(image);
  return { ...image, volume, minSizeBytes: minDiskSizeBytes };
}

/** The image's content; undefined until it is READY. */
export function volumeOf({ volumeId, sizeBytes, guestDigest }: Image): HeldVolume | undefined {
  return volumeId === undefined ? undefined : { volumeId, sizeBytes, guestDigest };
}
