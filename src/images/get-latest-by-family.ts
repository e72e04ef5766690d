import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import type { Image } from './image.ts';
import { findLatestReady } from './image-rows.ts';

/** The READY image of the family that was created last. Throws NOT_FOUND for the folder, or naming the family. */
export async function getLatestByFamily(
  { db }: { readonly db: Database },
  { folderId, family }: { readonly folderId: string; readonly family: string },
): Promise<Image> {
  const image = await findLatestReady(db.read, { folderId, family });
  if (image !== undefined) return image;
  if ((await findFolder(db.read, folderId)) === undefined) throw notFound('Folder', folderId);
  throw notFound('Image', family);
}
