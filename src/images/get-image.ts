import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { Image } from './image.ts';
import { findImage } from './image-rows.ts';

/** Throws NOT_FOUND. */
export async function getImage(
  { db }: { readonly db: Database },
  { imageId }: { readonly imageId: string },
): Promise<Image> {
  const image = await findImage(db.read, imageId);
  if (image === undefined) throw notFound('Image', imageId);
  return image;
}
