import { isId } from '../lib/ids.ts';
import { isExpired } from '../uploads/get-upload.ts';
import { settleUpload } from '../uploads/settle-upload.ts';
import { sessionNotFound } from './bucket-errors.ts';
import type { Buckets } from './buckets.ts';
import { findObjectOfUpload } from './object-rows.ts';
import type { StoredObject } from './stored-object.ts';

/**
 * What an upload's id names in the bucket, open or whole already, once whatever request worked on it has stopped. Throws
 * NOT_FOUND for any other.
 */
export async function getObjectSession(
  { db, uploads }: Buckets,
  { bucket, uploadId }: { readonly bucket: string; readonly uploadId: string },
): Promise<StoredObject> {
  const before = isId(uploadId) ? await findObjectOfUpload(db.read, uploadId) : undefined;
  if (before === undefined || before.bucket !== bucket || isExpired(before.upload, uploads.now()))
    throw sessionNotFound();
  if (before.generation > 0) return before;
  await settleUpload(uploads, { uploadId }, before.upload.createdBy);
  const object = await findObjectOfUpload(db.read, uploadId);
  if (object === undefined) throw sessionNotFound();
  return object;
}
