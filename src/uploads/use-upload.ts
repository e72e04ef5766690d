import type { Transaction } from '../db/database.ts';
import { failedPrecondition, sourceNotFound } from '../errors.ts';
import type { UploadedFile } from '../sources/upload-source.ts';
import { uploadInUse } from './delete-upload.ts';
import { isComplete, isOfBucket, type Upload } from './upload.ts';
import { filenameOf } from './upload-metadata.ts';
import {
  deleteReaderOf,
  deleteUploadOf,
  findUpload,
  freeUploadOf,
  insertUploadReader,
  lockUpload,
  setUploadUser,
} from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/**
 * The three ends of an import's hold on an upload: it is used by one operation at a time, which has it until it ends. An
 * upload of a bucket is used by any number, and stays.
 */

/**
 * Gives the upload to an operation: from the commit on it neither expires nor can it be deleted. Throws
 * FAILED_PRECONDITION unless it is there, whole, free, the subject's own, and of the folder that the image is to be in. Of a
 * bucket's is asked that it is whole and in the folder that the subject was found to be allowed to read.
 */
export async function useUpload(
  tx: Transaction,
  use: {
    readonly uploadId: string;
    readonly folderId: string;
    /** Where objects may be read; the image's folder by default: who may make images there may. */
    readonly objectsFolderId?: string | undefined;
    readonly subjectId: string;
    readonly operationId: string;
  },
): Promise<void> {
  const upload = await lockUpload(tx, use.uploadId);
  if (upload !== undefined && isOfBucket(upload)) return useObject(tx, upload, use);
  if (upload === undefined || upload.createdBy !== use.subjectId) throw sourceNotFound('Upload', use.uploadId);
  const { id, folderId, durableBytes, lengthBytes } = upload;
  if (folderId !== use.folderId) {
    throw failedPrecondition('UPLOAD_IN_ANOTHER_FOLDER', `Upload "${id}" is in folder "${folderId}"`);
  }
  if (!isComplete(upload)) {
    const message = `Upload "${id}" is not complete: ${durableBytes} of ${lengthBytes} bytes are there. Send the rest first.`;
    throw failedPrecondition('UPLOAD_INCOMPLETE', message);
  }
  if (upload.operationId !== undefined) throw uploadInUse(upload);
  await setUploadUser(tx, id, use.operationId);
}

async function useObject(
  tx: Transaction,
  upload: Upload,
  { folderId, objectsFolderId = folderId, operationId }: Parameters<typeof useUpload>[1],
): Promise<void> {
  if (upload.folderId !== objectsFolderId || !isComplete(upload)) throw sourceNotFound('Upload', upload.id);
  await insertUploadReader(tx, upload.id, operationId);
}

/** The operation failed: what it used, if anything, is free again, and kept for as long as if it had just arrived. */
export async function releaseUpload(
  { limits, now }: Pick<Uploads, 'limits' | 'now'>,
  tx: Transaction,
  operationId: string,
): Promise<void> {
  const expiresAt = new Date(now() + limits.keepMs);
  await freeUploadOf(tx, operationId, expiresAt);
  await deleteReaderOf(tx, operationId, expiresAt);
}

/** The operation succeeded: what it used, if anything, is gone; its bytes are swept soon after. An object stays. */
export async function consumeUpload(
  { limits, now }: Pick<Uploads, 'limits' | 'now'>,
  tx: Transaction,
  operationId: string,
): Promise<void> {
  await deleteUploadOf(tx, operationId);
  await deleteReaderOf(tx, operationId, new Date(now() + limits.keepMs));
}

/** The file of a whole upload, for whoever was given it by `useUpload`; undefined when it is not there. */
export async function findUploadedFile(
  uploads: Pick<Uploads, 'db' | 'bytes'>,
  uploadId: string,
): Promise<UploadedFile | undefined> {
  const upload = await findUpload(uploads.db.read, uploadId);
  if (upload === undefined || !isComplete(upload)) return undefined;
  return {
    fileName: filenameOf(upload),
    sizeBytes: upload.lengthBytes,
    open: () => uploads.bytes.open(upload),
  };
}
