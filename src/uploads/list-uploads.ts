import { isExpired } from './get-upload.ts';
import type { Upload } from './upload.ts';
import { listUploadRows } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/** The subject's uploads in a folder, oldest first: never more than it may have, so there are no pages. */
export async function listUploads(
  { db, now }: Pick<Uploads, 'db' | 'now'>,
  { folderId }: { readonly folderId: string },
  subjectId: string,
): Promise<Upload[]> {
  const all = await listUploadRows(db.read, { folderId, createdBy: subjectId });
  return all.filter((upload) => !isExpired(upload, now()));
}
