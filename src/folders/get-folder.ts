import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { Folder } from './folder.ts';
import { findFolder } from './folder-rows.ts';

/** Throws NOT_FOUND. */
export async function getFolder(
  { db }: { readonly db: Database },
  { folderId }: { readonly folderId: string },
): Promise<Folder> {
  const folder = await findFolder(db.read, folderId);
  if (folder === undefined) throw notFound('Folder', folderId);
  return folder;
}
