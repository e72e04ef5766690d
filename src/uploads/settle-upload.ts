import { getUpload } from './get-upload.ts';
import type { Upload } from './upload.ts';
import type { Uploads } from './uploads.ts';

/**
 * The upload once whatever request worked on it has stopped: its `durableBytes` are where the next one must begin. Throws
 * NOT_FOUND.
 */
export async function settleUpload(
  uploads: Uploads,
  request: { readonly uploadId: string },
  subjectId: string,
): Promise<Upload> {
  await getUpload(uploads, request, subjectId); // a stranger interrupts nobody
  using _turn = await uploads.turns.take(request.uploadId);
  return await getUpload(uploads, request, subjectId);
}
