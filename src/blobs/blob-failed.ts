/**
 * `missing`: no such blob. `short`: it ends before the range. `full`: no space left. `unreachable`: the store gives no
 * answer or refuses to, which says nothing of the blob. `broken`: anything else.
 */
export type BlobFailure = 'missing' | 'short' | 'full' | 'unreachable' | 'broken';

/** A blob could not be read or written. */
export class BlobFailed extends Error {
  readonly failure: BlobFailure;
  readonly blobName: string;

  constructor(failure: BlobFailure, blobName: string, message: string, cause?: unknown) {
    super(`blob ${blobName}: ${message}`, { cause });
    this.name = 'BlobFailed';
    this.failure = failure;
    this.blobName = blobName;
  }
}

/** What a failed system call says of a blob. */
export function blobFailedBy(error: unknown, blobName: string): BlobFailed {
  const code = (error as NodeJS.ErrnoException).code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ENOENT') return new BlobFailed('missing', blobName, message, error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new BlobFailed('full', blobName, message, error);
  return new BlobFailed('broken', blobName, message, error);
}
