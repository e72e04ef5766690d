import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { findCloud } from './cloud-rows.ts';
import type { Cloud } from './folder.ts';

/** Throws NOT_FOUND. */
export async function getCloud(
  { db }: { readonly db: Database },
  { cloudId }: { readonly cloudId: string },
): Promise<Cloud> {
  const cloud = await findCloud(db.read, cloudId);
  if (cloud === undefined) throw notFound('Cloud', cloudId);
  return cloud;
}
