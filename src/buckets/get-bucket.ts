import type { Bucket } from './bucket.ts';
import { bucketNotFound } from './bucket-errors.ts';
import { findBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';

/** Throws NOT_FOUND. */
export async function getBucket({ db }: Pick<Buckets, 'db'>, { name }: { readonly name: string }): Promise<Bucket> {
  const bucket = await findBucket(db.read, name);
  if (bucket === undefined) throw bucketNotFound();
  return bucket;
}
