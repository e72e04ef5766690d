import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { Key } from './key.ts';
import { findKey } from './key-rows.ts';

/** Throws NOT_FOUND. */
export async function getKey({ db }: { readonly db: Database }, { keyId }: { readonly keyId: string }): Promise<Key> {
  const key = await findKey(db.read, keyId);
  if (key === undefined) throw notFound('Key', keyId);
  return key;
}
