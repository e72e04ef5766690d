import { open, readdir, rm, statfs } from 'node:fs/promises';
import type { Database } from '../../db/database.ts';
import { isId } from '../../lib/ids.ts';
import { syncDirectory } from '../../lib/write-file-durably.ts';
import { BytesLost } from '../../sources/bytes-lost.ts';
import { openFileSource } from '../../sources/file-source.ts';
import type { UploadBytes } from '../upload-bytes.ts';
import { UploadProgress } from '../upload-progress.ts';
import { findUpload } from '../upload-rows.ts';
import type { UploadLimits } from '../uploads.ts';
import { FileAppender } from './file-appender.ts';
import { UploadFile, uploadPath } from './upload-file.ts';

export interface UploadFilesOptions {
  readonly db: Database;
  /** A folder that is there, and nobody else's. */
  readonly directory: string;
  readonly limits: UploadLimits;
  readonly now: () => number;
}

/**
 * Uploads as files of one machine, each of the name of its id: appended, synced, and then said in the row. One process
 * has them. Who reads a file that is removed reads on.
 */
export function createUploadFiles({ db, directory, limits, now }: UploadFilesOptions): UploadBytes {
  const freeBytes = async () => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  };
  return {
    freeBytes,
    // The row comes first: a file without a row is garbage, and may be swept at any moment.
    async begin(uploadId) {
      await using _file = await open(uploadPath(directory, uploadId), 'wx', 0o600);
      await syncDirectory(directory);
    },
    async append(upload, { isWithheld }) {
      const path = uploadPath(directory, upload.id);
      const file = await UploadFile.open(path, upload.durableBytes).catch(lostIfMissing(path));
      return new FileAppender({
        file,
        progress: new UploadProgress({ db, limits, now, freeBytes }, upload),
        limits,
        isWithheld,
      });
    },
    async open({ id, durableBytes }) {
      const path = uploadPath(directory, id);
      return await openFileSource(path, { sizeBytes: durableBytes }).catch(lostIfMissing(path));
    },
    async remove(uploadId) {
      await rm(uploadPath(directory, uploadId), { force: true });
    },
    // A file is made only after its row, so one without is never on its way in.
    async sweep(signal) {
      for (const name of await readdir(directory)) {
        signal?.throwIfAborted();
        // What is not ours to name is not ours to delete.
        if (isId(name) && (await findUpload(db.read, name)) === undefined) {
          await rm(uploadPath(directory, name), { force: true });
        }
      }
    },
  };
}

function lostIfMissing(path: string): (error: unknown) => never {
  return (error) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw isMissing ? new BytesLost(`${path} is gone`, { cause: error }) : error;
  };
}
