import type { BlobStore } from '../blobs/blob-store.ts';
import type { Database } from '../db/database.ts';
import { unavailable } from '../errors.ts';
import { type Repetition, repeat } from '../lib/repeat.ts';
import { createUploadFiles } from './files/upload-files.ts';
import { createUploadPieces } from './pieces/upload-pieces.ts';
import { sweepUploads } from './sweep-uploads.ts';
import { UploadTurns } from './upload-turns.ts';
import { defaultUploadLimits, type UploadLimits, type Uploads, usualBytesInBucket } from './uploads.ts';

/** How often what has expired is looked for. */
const sweepEveryMs = 600_000;
const sweepSoonMs = 1_000;

/** How long a service that stops waits for what came to be kept in a bucket: one that is down must not hold it. */
const settleMs = 2_000;

/** Uploads, taken. Dispose them before the database and the blobs: requests that send bytes are ended and settled. */
export interface OpenUploads extends Uploads, AsyncDisposable {
  /** An upload has ended: its bytes can go. */
  readonly wake: Repetition['wake'];
}

/** Removes what is over, at once and then in the background. */
export async function openUploads(options: {
  readonly db: Database;
  /** A folder that is there, and nobody else's; for their bytes, unless there are blobs for them. */
  readonly directory: string;
  /** Of uploads alone, shared by every process that serves them; disposed by whoever opened them. */
  readonly blobs?: BlobStore | undefined;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
  readonly limits?: Partial<UploadLimits>;
}): Promise<OpenUploads> {
  const { db, directory, blobs, onError, now = Date.now } = options;
  const turns = new UploadTurns();
  const room = blobs === undefined ? {} : { maxTotalBytes: usualBytesInBucket };
  const limits = { ...defaultUploadLimits, ...room, ...options.limits };
  const onGarbage = () => sweeping.wake();
  const giveUp = new AbortController();
  const bytes =
    blobs === undefined
      ? createUploadFiles({ db, directory, limits, now })
      : createUploadPieces({ db, blobs, limits, now, onGarbage, givenUp: giveUp.signal });
  const uploads: Uploads = { db, bytes, turns, now, limits };
  // A bucket is swept behind the start, for which nobody waits then.
  if (blobs === undefined) await sweepUploads(uploads);
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
      const timer = setTimeout(() => giveUp.abort(unavailable('The service is stopping')), settleMs);
      await turns[Symbol.asyncDispose]().finally(() => clearTimeout(timer));
      await sweeping[Symbol.asyncDispose]();
    },
  };
}
