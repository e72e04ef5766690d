import { statfs } from 'node:fs/promises';
import type { Database } from '../db/database.ts';
import { type Repetition, repeat } from '../lib/repeat.ts';
import { sweepUploads } from './sweep-uploads.ts';
import { UploadTurns } from './upload-turns.ts';
import { defaultUploadLimits, type UploadLimits, type Uploads } from './uploads.ts';

/** How often what has expired is looked for. */
const sweepEveryMs = 600_000;
const sweepSoonMs = 1_000;

/** Uploads, taken. Dispose them before the database: requests that send bytes are ended and settled. */
export interface OpenUploads extends Uploads, AsyncDisposable {
  /** An upload has ended: its file can go. */
  readonly wake: Repetition['wake'];
}

/** Removes what is over, and goes on doing so in the background. */
export async function openUploads(options: {
  readonly db: Database;
  /** A folder that is there, and nobody else's. */
  readonly directory: string;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
  readonly limits?: Partial<UploadLimits>;
}): Promise<OpenUploads> {
  const { db, directory, onError, now = Date.now } = options;
  const turns = new UploadTurns();
  const uploads: Uploads = {
    db,
    directory,
    turns,
    now,
    limits: { ...defaultUploadLimits, ...options.limits },
    async freeBytes() {
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
  };
  await sweepUploads(uploads);
  const sweeping = repeat({
    everyMs: sweepEveryMs,
    soonMs: sweepSoonMs,
    run: (signal) => sweepUploads(uploads, signal),
    onError,
  });
  return {
    ...uploads,
    wake: () => sweeping.wake(),
    async [Symbol.asyncDispose]() {
      await turns[Symbol.asyncDispose]();
      await sweeping[Symbol.asyncDispose]();
    },
  };
}
