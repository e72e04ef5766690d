import type { Transaction } from '../db/database.ts';
import { deleteUploadRow, expireUpload, hasReaders } from '../uploads/upload-rows.ts';
import type { Buckets } from './buckets.ts';
import { deleteObjectRow } from './object-rows.ts';

/**
 * Takes an object, open or whole, out of its bucket. Its bytes stay while operations read them. Returns whether they
 * can go once this is committed.
 */
export async function letGo(tx: Transaction, uploadId: string): Promise<boolean> {
  await deleteObjectRow(tx, uploadId);
  if (await hasReaders(tx, uploadId)) {
    await expireUpload(tx, uploadId);
    return false;
  }
  await deleteUploadRow(tx, uploadId);
  return true;
}

/** Removes the bytes of objects that are gone. What fails is swept later. */
export async function removeBytes({ uploads, digests }: Buckets, uploadIds: readonly string[]): Promise<void> {
  for (const id of uploadIds) {
    digests.forget(id);
    await uploads.bytes.remove(id).catch(() => {});
  }
}
