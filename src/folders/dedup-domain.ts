import type { Queryable } from '../db/database.ts';
import { notFound } from '../errors.ts';

/**
 * Whose chunks may be shared: those of one cloud. Between clouds nothing is, or a caller could find out by the speed of
 * an import what others have stored.
 */
export async function dedupDomainOf(db: Queryable, folderId: string): Promise<string> {
  const folder = await db.selectFrom('folders').select('cloud_id').where('id', '=', folderId).executeTakeFirst();
  if (folder === undefined) throw notFound('Folder', folderId);
  return folder.cloud_id;
}
