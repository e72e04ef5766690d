import type { Transaction } from '../db/database.ts';
import { resourceExhausted, ServiceError } from '../errors.ts';
import { sumOfMissingBytes } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/**
 * Throws RESOURCE_EXHAUSTED unless so much more can be set aside: what all uploads still miss has its room already, so that
 * those that were begun can be finished. Nothing is set aside against imports.
 */
export async function assertRoom(
  tx: Transaction,
  { limits }: Pick<Uploads, 'limits'>,
  { freeBytes, moreBytes }: { readonly freeBytes: number; readonly moreBytes: number },
): Promise<void> {
  const promised = (await sumOfMissingBytes(tx)) + limits.minFreeBytes;
  if (promised + moreBytes <= freeBytes) return;
  const message = `There is no room for a file of ${moreBytes} bytes: ${freeBytes} are free, and ${promised} of them are spoken for.`;
  throw resourceExhausted('STORAGE_FULL', message);
}

/** Throws INVALID_ARGUMENT for a file that is longer than any that is taken. */
export function assertTakenLength({ limits }: Pick<Uploads, 'limits'>, lengthBytes: number): void {
  if (lengthBytes <= limits.maxLengthBytes) return;
  throw new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'UPLOAD_TOO_LONG',
    message: `A file of ${lengthBytes} bytes is not taken: at most ${limits.maxLengthBytes} are`,
    fields: [{ field: 'length', description: `must be at most ${limits.maxLengthBytes}` }],
  });
}
