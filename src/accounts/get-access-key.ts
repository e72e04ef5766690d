import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { AccessKey } from './access-key.ts';
import { findAccessKey } from './access-key-rows.ts';

/** Throws NOT_FOUND. */
export async function getAccessKey(
  { db }: { readonly db: Database },
  { accessKeyId }: { readonly accessKeyId: string },
): Promise<AccessKey> {
  const key = await findAccessKey(db.read, accessKeyId);
  if (key === undefined) throw notFound('Access key', accessKeyId);
  return key;
}
