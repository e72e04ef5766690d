import type { BlobStore } from '../../blobs/blob-store.ts';
import type { Database } from '../../db/database.ts';
import { hasPassed } from '../../lib/has-passed.ts';
import { MemoryBudget } from '../../lib/memory-budget.ts';
import { BytesLost } from '../../sources/bytes-lost.ts';
import type { UploadBytes } from '../upload-bytes.ts';
import { UploadProgress } from '../upload-progress.ts';
import type { UploadLimits } from '../uploads.ts';
import { GatherMemory } from './gather.ts';
import { slotBytes } from './piece.ts';
import { PieceAppender } from './piece-appender.ts';
import { PieceReader } from './piece-reader.ts';
import { listPieces } from './piece-rows.ts';
import { PieceSource } from './piece-source.ts';
import { sweepPieces, sweepStrays } from './sweep-pieces.ts';

export interface UploadPiecesOptions {
  readonly db: Database;
  /** Of uploads alone; every process that serves them has the same. */
  readonly blobs: BlobStore;
  readonly limits: UploadLimits;
  readonly now: () => number;
  /** There are pieces that can go. */
  readonly onGarbage: () => void;
  /** Aborted when the service cannot wait for the store any more. */
  readonly givenUp: AbortSignal;
}

/** What all requests together gather in, beyond a chunk for each. */
const gatherBytes = 64 * 1024 * 1024;
/** Blobs that are sent at once; a store has memory for as many slots. */
const sendingAtOnce = 4;
/** How often the store is asked for all that it has. */
const strayEveryMs = 6 * 3_600_000;

/**
 * Uploads as pieces in a blob store that every process reaches: what one process has acknowledged any other can go on
 * with, read and delete. Nothing is kept on this machine. Who reads an upload that is removed is told BytesLost.
 */
export function createUploadPieces({ db, blobs, limits, now, onGarbage, givenUp }: UploadPiecesOptions): UploadBytes {
  const reader = new PieceReader(blobs);
  const freeBytes = async () => Number.POSITIVE_INFINITY;
  const progress = { db, limits, now, freeBytes };
  const shared = { memory: new GatherMemory(gatherBytes), sending: new MemoryBudget(sendingAtOnce) };
  const appending = { ...shared, blobs, reader, limits, onGarbage, givenUp };
  let strayedAt = Number.NEGATIVE_INFINITY;
  return {
    freeBytes,
    async begin() {},
    async append(upload, { isWithheld }) {
      const { id: uploadId, durableBytes: end } = upload;
      const start = end - (end % slotBytes);
      const slot = await listPieces(db.read, { uploadId, start, end });
      const last = slot.at(-1);
      const ours = new UploadProgress(progress, upload);
      if (end > start && (last === undefined || last.start + last.sizeBytes !== end)) {
        if (!(await ours.isStillOurs())) throw await ours.explainLoss();
        throw new BytesLost(`there is no piece of upload ${uploadId} that ends at ${end}`);
      }
      return new PieceAppender(appending, ours, slot, isWithheld);
    },
    async open(upload) {
      return new PieceSource(db.read, reader, upload);
    },
    // There may be thousands, for which no request waits.
    async remove() {
      onGarbage();
    },
    async sweep(signal) {
      await sweepPieces({ db, blobs }, signal);
      if (!hasPassed(strayEveryMs, { since: strayedAt, now: now() })) return;
      await sweepStrays({ db, blobs }, signal);
      strayedAt = now();
    },
  };
}
