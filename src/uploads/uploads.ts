import type { Database } from '../db/database.ts';
import type { UploadBytes } from './upload-bytes.ts';
import type { UploadTurns } from './upload-turns.ts';

/** What every verb on uploads works with. */
export interface Uploads {
  readonly db: Database;
  readonly bytes: UploadBytes;
  readonly limits: UploadLimits;
  readonly turns: UploadTurns;
  /** The time, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Bounds on what uploads may cost us. Times in milliseconds, sizes in bytes. */
export interface UploadLimits {
  /** The longest file that is taken. */
  readonly maxLengthBytes: number;
  /** What one subject may have at a time, in all folders. */
  readonly maxUploads: number;
  /** The longest `Upload-Metadata` that is kept, in characters. */
  readonly maxMetadataLength: number;
  /** From the last byte, or the last import that failed, to the upload's end. */
  readonly keepMs: number;
  /** An upload is refused rather than that all of them together could leave less than this free, */
  readonly minFreeBytes: number;
  /** or be longer than this together. */
  readonly maxTotalBytes: number;
  /**
   * What has arrived is made durable after this many bytes or this long, whichever comes first, and at the end of each
   * request: what a crash can make a client send again, and how often the disk is made to sync.
   */
  readonly syncBytes: number;
  readonly syncMs: number;
}

const mib = 1024 * 1024;
const gib = 1024 * mib;
const tib = 1024 * gib;

/**
 * The limits used unless told otherwise. The longest file is what an import reads from elsewhere, too: the largest disk
 * and its format's tables.
 */
export const defaultUploadLimits: UploadLimits = {
  maxLengthBytes: 4 * tib + 64 * gib,
  maxUploads: 100,
  maxMetadataLength: 4096,
  keepMs: 24 * 3_600_000,
  minFreeBytes: gib,
  maxTotalBytes: Number.POSITIVE_INFINITY,
  syncBytes: 64 * mib,
  syncMs: 5_000,
};

/** Of uploads in a bucket, where nothing else says when there are too many: nearly two of the longest files. */
export const usualBytesInBucket = 8 * tib;
