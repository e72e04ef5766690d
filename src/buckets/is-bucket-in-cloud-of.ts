import { findFolder } from '../folders/folder-rows.ts';
import { findBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';

/** Whether there is a bucket of that name, in the cloud that the folder is in. */
export async function isBucketInCloudOf(
  { db: { read } }: Pick<Buckets, 'db'>,
  name: string,
  folderId: string,
): Promise<boolean> {
  const bucket = await findBucket(read, name);
  if (bucket === undefined) return false;
  if (bucket.folderId === folderId) return true;
  const [own, asked] = await Promise.all([findFolder(read, bucket.folderId), findFolder(read, folderId)]);
  return own !== undefined && own.cloudId === asked?.cloudId;
}
