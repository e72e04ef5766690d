import { invalidField, notFound, resourceExhausted } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { beginUpload } from './begin-upload.ts';
import type { Upload } from './upload.ts';
import { countUploads } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

export interface CreateUpload {
  readonly folderId: string;
  /** Of the file that is to come. */
  readonly lengthBytes: number;
  /** See Upload. */
  readonly metadata: string;
}

/**
 * Begins an upload. Room for all of it is set aside against what other uploads still miss, so that those that were begun
 * can be finished; nothing is set aside against imports. Throws INVALID_ARGUMENT, NOT_FOUND for the folder, and
 * RESOURCE_EXHAUSTED.
 */
export async function createUpload(uploads: Uploads, request: CreateUpload, subjectId: string): Promise<Upload> {
  const { limits } = uploads;
  checkRequest(uploads, request);
  return await beginUpload(uploads, { ...request, createdBy: subjectId, grows: false }, async (tx) => {
    if ((await findFolder(tx, request.folderId)) === undefined) throw notFound('Folder', request.folderId);
    if ((await countUploads(tx, subjectId)) >= limits.maxUploads) {
      const message = `You have ${limits.maxUploads} uploads already. Make images of them, or delete some.`;
      throw resourceExhausted('TOO_MANY_UPLOADS', message);
    }
  });
}

function checkRequest({ limits }: Uploads, { lengthBytes, metadata }: CreateUpload): void {
  if (lengthBytes < 1) throw invalidField('length', 'must be at least 1: an empty file is no disk');
  if (metadata.length > limits.maxMetadataLength) {
    throw invalidField('metadata', `must be at most ${limits.maxMetadataLength} characters`);
  }
}
