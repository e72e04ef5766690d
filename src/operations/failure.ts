import { BlobFailed } from '../blobs/blob-failed.ts';
import { DatabaseFailed } from '../db/database-failed.ts';
import { internal, resourceExhausted, ServiceError, unavailable } from '../errors.ts';

/** What a caller is told, of an operation or at once, when the work threw `error`. */
export function explainFailure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof DatabaseFailed && (error.failure === 'unavailable' || error.failure === 'conflict')) {
    return unavailable('The database of the service cannot be used at the moment. Try again.', error);
  }
  if (error instanceof BlobFailed && error.failure === 'unreachable') {
    return unavailable('The storage of the service cannot be reached at the moment. Try again.', error);
  }
  if (error instanceof DatabaseFailed && error.failure === 'text') {
    return new ServiceError({
      code: 'INVALID_ARGUMENT',
      reason: 'TEXT_NOT_ALLOWED',
      message: 'A text in the request has the character U+0000, which is not allowed',
      cause: error,
    });
  }
  if (!isStorageFull(error)) return internal(error);
  return resourceExhausted(
    'STORAGE_FULL',
    'The service has no storage space left. Add space, or delete what is not needed and wait until the service gives its space back (see --keep-deleted), then try again.',
    error,
  );
}

// What the system says when there is no room on a file system, or in a user's share of it.
const fullCodes = new Set(['ENOSPC', 'EDQUOT']);
// An error wrapped deeper than this is no wrapper of ours.
const maxCauses = 8;

/** Whether the bottom of it is that a disk is full: under the database, or under a file; or a bucket. */
export function isStorageFull(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < maxCauses && cause instanceof Error; depth++) {
    if (cause instanceof DatabaseFailed && cause.isFull) return true;
    if (cause instanceof BlobFailed && cause.failure === 'full') return true;
    if ('code' in cause && typeof cause.code === 'string' && fullCodes.has(cause.code)) return true;
    cause = cause.cause;
  }
  return false;
}
