import { open } from 'node:fs/promises';
import { invalidField, notFound, resourceExhausted, ServiceError } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import { syncDirectory } from '../lib/write-file-durably.ts';
import { explainFailure } from '../operations/failure.ts';
import { type Upload, uploadIdPrefix } from './upload.ts';
import { uploadPath } from './upload-file.ts';
import { countUploads, deleteUploadRow, insertUpload, sumOfMissingBytes } from './upload-rows.ts';
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
  const { db, limits, now } = uploads;
  checkRequest(uploads, request);
  const upload: Upload = {
    ...request,
    id: newId(uploadIdPrefix),
    createdBy: subjectId,
    createdAt: new Date(now()),
    durableBytes: 0,
    expiresAt: new Date(now() + limits.keepMs),
    operationId: undefined,
  };
  const freeBytes = await uploads.freeBytes();
  await db.transact(async (tx) => {
    if ((await findFolder(tx, upload.folderId)) === undefined) throw notFound('Folder', upload.folderId);
    if ((await countUploads(tx, subjectId)) >= limits.maxUploads) {
      const message = `You have ${limits.maxUploads} uploads already. Make images of them, or delete some.`;
      throw resourceExhausted('TOO_MANY_UPLOADS', message);
    }
    const promised = (await sumOfMissingBytes(tx)) + limits.minFreeBytes;
    if (promised + upload.lengthBytes > freeBytes) {
      const message = `There is no room for a file of ${upload.lengthBytes} bytes: ${freeBytes} are free, and ${promised} of them are spoken for.`;
      throw resourceExhausted('STORAGE_FULL', message);
    }
    await insertUpload(tx, upload);
  });
  // The row comes first: a file without a row is garbage, and may be swept at any moment.
  try {
    await using _file = await open(uploadPath(uploads, upload.id), 'wx', 0o600);
    await syncDirectory(uploads.directory);
  } catch (error) {
    await db.transact((tx) => deleteUploadRow(tx, upload.id));
    throw explainFailure(error);
  }
  return upload;
}

function checkRequest({ limits }: Uploads, { lengthBytes, metadata }: CreateUpload): void {
  if (lengthBytes < 1) throw invalidField('length', 'must be at least 1: an empty file is no disk');
  if (lengthBytes > limits.maxLengthBytes) {
    throw new ServiceError({
      code: 'INVALID_ARGUMENT',
      reason: 'UPLOAD_TOO_LONG',
      message: `A file of ${lengthBytes} bytes is not taken: at most ${limits.maxLengthBytes} are`,
      fields: [{ field: 'length', description: `must be at most ${limits.maxLengthBytes}` }],
    });
  }
  if (metadata.length > limits.maxMetadataLength) {
    throw invalidField('metadata', `must be at most ${limits.maxMetadataLength} characters`);
  }
}
