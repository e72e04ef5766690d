import type { Bucket } from '../buckets/bucket.ts';
import { bucketNotFound } from '../buckets/bucket-errors.ts';
import { ServiceError } from '../errors.ts';
import type { Authorize } from './authorization.ts';
import { authorized } from './authorized.ts';

/** The bucket, once the caller may do with it what the method does; to who may not, it is not there. */
export async function authorizedBucket(
  { storage }: { readonly storage: { getBucket(request: { name: string }): Promise<Bucket> } },
  { authorize }: { readonly authorize: Authorize },
  name: string,
): Promise<Bucket> {
  try {
    return await authorized(authorize, 'Bucket', name, () => storage.getBucket({ name }));
  } catch (error) {
    throw error instanceof ServiceError && error.code === 'NOT_FOUND' ? bucketNotFound() : error;
  }
}
