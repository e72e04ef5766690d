import { deleteExpiredUploads } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/** Removes uploads whose time is over, and bytes that have no row: of uploads that were imported, and what a crash left. */
export async function sweepUploads({ db, bytes, now }: Uploads, signal?: AbortSignal): Promise<void> {
  await db.transact((tx) => deleteExpiredUploads(tx, now()));
  await bytes.sweep(signal);
}
