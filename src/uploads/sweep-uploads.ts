import { readdir, rm } from 'node:fs/promises';
import { isId } from '../lib/ids.ts';
import { uploadPath } from './upload-file.ts';
import { deleteExpiredUploads, findUpload } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/**
 * Removes uploads whose time is over, and files that have no row: those of uploads that were imported, and what a crash
 * left. A file is made only after its row, so one without is never on its way in.
 */
export async function sweepUploads(uploads: Uploads, signal?: AbortSignal): Promise<void> {
  const { db, directory, now } = uploads;
  await db.transact((tx) => deleteExpiredUploads(tx, now()));
  for (const name of await readdir(directory)) {
    signal?.throwIfAborted();
    // What is not ours to name is not ours to delete.
    if (isId(name) && (await findUpload(db.read, name)) === undefined) {
      await rm(uploadPath(uploads, name), { force: true });
    }
  }
}
