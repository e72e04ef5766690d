import type { Database } from '../db/database.ts';
import { findByReference } from '../resources/find-by-reference.ts';
import type { Image } from './image.ts';
import { findImage, findImageByName, findImageByNumber } from './image-rows.ts';

/** The image that a client calls so: see find-by-reference.ts. */
export function findImageInFolder(
  { db }: { readonly db: Database },
  { folderId, reference }: { readonly folderId: string; readonly reference: string },
): Promise<Image | undefined> {
  return findByReference(folderId, reference, {
    byNumber: (number) => findImageByNumber(db.read, { folderId, number }),
    byName: (name) => findImageByName(db.read, { folderId, name }),
    byId: (id) => findImage(db.read, id),
  });
}
