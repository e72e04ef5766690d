import { rm } from 'node:fs/promises';
import type { Transaction } from '../db/database.ts';
import { uploadPath } from '../uploads/upload-file.ts';
import { deleteUploadRow, expireUpload, hasReaders } from '../uploads/upload-rows.ts';
import type { Buckets } from './buckets.ts';
import { deleteObjectRow } from './object-rows.ts';

/**
 * Takes an object, open or whole, out of its bucket. Its bytes stay while operations read them. Returns whether its file
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

/** Removes files of objects that are gone. What fails is swept later. */
export async function removeFiles({ uploads, digests }: Buckets, uploadIds: readonly string[]): Promise<void> {
  for (const id of uploadIds) {
    digests.forget(id);
    await rm(uploadPath(uploads, id), { force: true }).catch(() => {});
  }
}
