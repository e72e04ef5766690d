import type { Page } from '../lib/page.ts';
import type { Bucket } from './bucket.ts';
import { listBucketRows } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';
import { cutNames, type NameQuery } from './name-page.ts';

/** A folder's buckets whose names begin with the prefix, by name. Throws INVALID_ARGUMENT for the page token. */
export async function listBuckets(
  { db }: Pick<Buckets, 'db'>,
  { folderId, ...query }: NameQuery & { readonly folderId: string },
): Promise<Page<Bucket>> {
  const all = await listBucketRows(db.read, folderId);
  const wanted = all.filter(({ name }) => name.startsWith(query.prefix));
  return cutNames(wanted, query, ({ name }) => name);
}
