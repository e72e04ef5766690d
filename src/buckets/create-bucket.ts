import { DatabaseFailed } from '../db/database-failed.ts';
import { notFound, resourceExhausted, ServiceError } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { type Bucket, isBucketName } from './bucket.ts';
import { countBuckets, findBucket, insertBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';

/**
 * Makes a bucket. Throws INVALID_ARGUMENT for its name, ALREADY_EXISTS when it is taken, NOT_FOUND for the folder, and
 * RESOURCE_EXHAUSTED when that has as many as it may.
 */
export async function createBucket(
  { db, uploads, limits }: Pick<Buckets, 'db' | 'uploads' | 'limits'>,
  request: Omit<Bucket, 'createdAt'>,
): Promise<Bucket> {
  const { name, folderId } = request;
  if (!isBucketName(name)) {
    const message = `Invalid bucket name: '${name.slice(0, 256)}'`;
    throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', message });
  }
  const bucket: Bucket = { ...request, createdAt: new Date(uploads.now()) };
  try {
    await db.transact(async (tx) => {
      if ((await findFolder(tx, folderId)) === undefined) throw notFound('Folder', folderId);
      const other = await findBucket(tx, name);
      if (other !== undefined) throw nameTaken(other.folderId === folderId);
      if ((await countBuckets(tx, folderId)) >= limits.maxBucketsOfFolder) {
        const message = `The project has ${limits.maxBucketsOfFolder} buckets already. Delete some.`;
        throw resourceExhausted('TOO_MANY_BUCKETS', message);
      }
      await insertBucket(tx, bucket);
    });
  } catch (error) {
    // Somebody else's was made meanwhile.
    if (error instanceof DatabaseFailed && error.isConstraint) throw nameTaken(false);
    throw error;
  }
  return bucket;
}

function nameTaken(isOwn: boolean): ServiceError {
  const message = isOwn
    ? 'Your previous request to create the named bucket succeeded and you already own it.'
    : 'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.';
  return new ServiceError({ code: 'ALREADY_EXISTS', reason: 'NAME_TAKEN', message });
}
