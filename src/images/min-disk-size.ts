import { ServiceError } from '../errors.ts';

/**
 * Throws INVALID_ARGUMENT, in the words that clients of the public API know, when the minimal disk size asked for is
 * below the image's own size; 0 asks for nothing.
 */
export function checkMinDiskSize(requestedBytes: number, sizeBytes: number): void {
  if (requestedBytes === 0 || requestedBytes >= sizeBytes) return;
  const message = `Minimal disk size should be greater or equal than ${sizeBytes}`;
  throw new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'MIN_DISK_SIZE_TOO_SMALL',
    message,
    fields: [{ field: 'min_disk_size', description: message }],
  });
}

/** The smallest disk that the image may become: what was asked for, or the image's own size. Throws as the check. */
export function chooseMinDiskSize(requestedBytes: number, sizeBytes: number): number {
  checkMinDiskSize(requestedBytes, sizeBytes);
  return requestedBytes === 0 ? sizeBytes : requestedBytes;
}
