import { ServiceError } from '../errors.ts';

/**
 * The smallest disk that an image of `sizeBytes` may become: what was asked for, or the image's own size when nothing
 * (0) was. Throws INVALID_ARGUMENT, in the words that clients of the public API know, when less was asked for.
 */
export function chooseMinDiskSize(requestedBytes: number, sizeBytes: number): number {
  if (requestedBytes === 0) return sizeBytes;
  if (requestedBytes >= sizeBytes) return requestedBytes;
  const message = `Minimal disk size should be greater or equal than ${sizeBytes}`;
  throw new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'MIN_DISK_SIZE_TOO_SMALL',
    message,
    fields: [{ field: 'min_disk_size', description: message }],
  });
}
