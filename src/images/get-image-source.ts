import type { Database } from '../db/database.ts';
import { findImageSource } from './image-source-rows.ts';
import type { SourceReport } from './source-report.ts';

/** What was found in the file that the image, or the one it was copied from, was made from; undefined if there was none. */
export async function getImageSource(
  { db }: { readonly db: Database },
  { imageId }: { readonly imageId: string },
): Promise<SourceReport | undefined> {
  return await findImageSource(db.read, imageId);
}
