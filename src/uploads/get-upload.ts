import { notFound } from '../errors.ts';
import { isId } from '../lib/ids.ts';
import type { Upload } from './upload.ts';
import { findUpload } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/** Throws NOT_FOUND, also for an upload of somebody else and for one whose time is over. */
export async function getUpload(
  { db, now }: Pick<Uploads, 'db' | 'now'>,
  { uploadId }: { readonly uploadId: string },
  subjectId: string,
): Promise<Upload> {
  const upload = isId(uploadId) ? await findUpload(db.read, uploadId) : undefined;
  if (upload === undefined || upload.createdBy !== subjectId || isExpired(upload, now())) {
    throw notFound('Upload', uploadId);
  }
  return upload;
}

/** Whether it may be removed now. */
export function isExpired({ expiresAt, operationId }: Upload, now: number): boolean {
  return expiresAt.getTime() <= now && operationId === undefined;
}
