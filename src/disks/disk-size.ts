import { invalidField, ServiceError } from '../errors.ts';

/** Powers of two from 4 KiB to 128 KiB, as the public API has them. */
const blockSizes = [4096, 8192, 16_384, 32_768, 65_536, 131_072] as const;

/** The block size that a Create asks for; 0 asks for 4096. Throws INVALID_ARGUMENT. */
export function chooseBlockSize(requestedBytes: number): number {
  if (requestedBytes === 0) return blockSizes[0];
  const size = blockSizes.find((known) => known === requestedBytes);
  if (size === undefined) throw invalidField('block_size', `must be one of ${blockSizes.join(', ')}`);
  return size;
}

/** Throws INVALID_ARGUMENT unless the size is a whole number of blocks and at least `minBytes`. */
export function checkDiskSize(sizeBytes: number, blockSizeBytes: number, minBytes: number): void {
  if (sizeBytes % blockSizeBytes !== 0) {
    throw invalidField('size', `must be a multiple of the block size, ${blockSizeBytes}`);
  }
  if (sizeBytes >= minBytes) return;
  const message = `Disk size should be greater or equal than ${minBytes}`;
  throw new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'DISK_SIZE_TOO_SMALL',
    message,
    fields: [{ field: 'size', description: message }],
  });
}
