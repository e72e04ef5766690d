import { failedPrecondition, notFound, type ServiceError } from '../errors.ts';
import { getUpload } from './get-upload.ts';
import type { Upload } from './upload.ts';
import { deleteUploadRow, lockUpload } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/**
 * Deletes an upload and its bytes; a request that sends some is ended. Throws NOT_FOUND, and FAILED_PRECONDITION while it
 * is imported.
 */
export async function deleteUpload(
  uploads: Uploads,
  { uploadId }: { readonly uploadId: string },
  subjectId: string,
): Promise<void> {
  await getUpload(uploads, { uploadId }, subjectId); // a stranger interrupts nobody
  using _turn = await uploads.turns.take(uploadId);
  await uploads.db.transact(async (tx) => {
    const upload = await lockUpload(tx, uploadId);
    if (upload === undefined) throw notFound('Upload', uploadId);
    if (upload.operationId !== undefined) throw uploadInUse(upload);
    await deleteUploadRow(tx, uploadId);
  });
  await uploads.bytes.remove(uploadId);
}

export function uploadInUse({ id, operationId }: Upload): ServiceError {
  return failedPrecondition('UPLOAD_IN_USE', `Upload "${id}" is being imported by operation "${operationId}"`);
}
