import type { Queryable, Transaction } from '../db/database.ts';
import { failedPrecondition, sourceNotFound } from '../errors.ts';
import { uploadInUse } from './delete-upload.ts';
import { isComplete } from './upload.ts';
import { uploadPath } from './upload-file.ts';
import { filenameOf } from './upload-metadata.ts';
import { deleteUploadOf, findUpload, freeUploadOf, lockUpload, setUploadUser } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/** The three ends of an import's hold on an upload: it is used by one operation at a time, which has it until it ends. */

/**
 * Gives the upload to an operation: from the commit on it neither expires nor can it be deleted. Throws
 * FAILED_PRECONDITION unless it is there, whole, free, the subject's own, and of the folder that the image is to be in.
 */
export async function useUpload(
  tx: Transaction,
  use: {
    readonly uploadId: string;
    readonly folderId: string;
    readonly subjectId: string;
    readonly operationId: string;
  },
): Promise<void> {
  const upload = await lockUpload(tx, use.uploadId);
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

/** The operation failed: what it used, if anything, is free again, and kept for as long as if it had just arrived. */
export async function releaseUpload(
  { limits, now }: Pick<Uploads, 'limits' | 'now'>,
  tx: Transaction,
  operationId: string,
): Promise<void> {
  await freeUploadOf(tx, operationId, new Date(now() + limits.keepMs));
}

/** The operation succeeded: what it used, if anything, is gone; its file is swept soon after. */
export async function consumeUpload(tx: Transaction, operationId: string): Promise<void> {
  await deleteUploadOf(tx, operationId);
}

/** The file of a whole upload, for whoever was given it by `useUpload`; undefined when it is not there. */
export async function findUploadedFile(
  uploads: { readonly directory: string; readonly db: { readonly read: Queryable } },
  uploadId: string,
): Promise<{ readonly path: string; readonly fileName: string; readonly sizeBytes: number } | undefined> {
  const upload = await findUpload(uploads.db.read, uploadId);
  if (upload === undefined || !isComplete(upload)) return undefined;
  return { path: uploadPath(uploads, upload.id), fileName: filenameOf(upload), sizeBytes: upload.lengthBytes };
}
