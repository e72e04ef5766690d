import { ServiceError } from '../errors.ts';
import { bucketNotFound } from './bucket-errors.ts';
import { deleteBucketRow, lockBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';
import { isVisible } from './get-object.ts';
import { letGo, removeBytes } from './let-go.ts';
import { listObjectRows } from './object-rows.ts';

/**
 * Deletes an empty bucket, and what is only on its way there. Throws NOT_FOUND, and FAILED_PRECONDITION while there are
 * objects in it.
 */
export async function deleteBucket(buckets: Buckets, { name }: { readonly name: string }): Promise<void> {
  const { db, uploads } = buckets;
  const gone = await db.transact(async (tx) => {
    if ((await lockBucket(tx, name)) === undefined) throw bucketNotFound();
    const objects = await listObjectRows(tx, name);
    const gone: string[] = [];
    for (const object of objects) {
      if (await isVisible(tx, object, uploads.now())) throw notEmpty();
      gone.push(...(await letGo(tx, object.upload.id)));
    }
    await deleteBucketRow(tx, name);
    return gone;
  });
  await removeBytes(buckets, gone);
}

function notEmpty(): ServiceError {
  const message = 'The bucket you tried to delete is not empty.';
  return new ServiceError({ code: 'FAILED_PRECONDITION', reason: 'BUCKET_NOT_EMPTY', message });
}
