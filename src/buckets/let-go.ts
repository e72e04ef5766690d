import type { Transaction } from '../db/database.ts';
import { deleteUploadRow, expireUpload, hasReaders } from '../uploads/upload-rows.ts';
import type { Buckets } from './buckets.ts';
import { listPartRows } from './object-part-rows.ts';
import { deleteObjectRow } from './object-rows.ts';

/**
 * Takes an object, open or whole, out of its bucket, with the parts that it was to be made of. Its bytes stay while
 * operations read them. Returns the uploads whose bytes can go once this is committed.
 */
export async function letGo(tx: Transaction, uploadId: string): Promise<readonly string[]> {
  // Nobody could name them any more.
  const parts = (await listPartRows(tx, uploadId)).map(({ upload }) => upload.id);
  for (const id of parts) await deleteUploadRow(tx, id);
  await deleteObjectRow(tx, uploadId);
  if (await hasReaders(tx, uploadId)) {
    await expireUpload(tx, uploadId);
    return parts;
  }
  await deleteUploadRow(tx, uploadId);
  return [...parts, uploadId];
}

/** Removes the bytes of objects that are gone. What fails is swept later. */
export async function removeBytes({ uploads, digests }: Buckets, uploadIds: readonly string[]): Promise<void> {
  for (const id of uploadIds) {
    digests.forget(id);
    await uploads.bytes.remove(id).catch(() => {});
  }
}
