import type { Transaction } from '../db/database.ts';
import { resourceExhausted, ServiceError } from '../errors.ts';
import { sumOfPromisedBytes } from './upload-rows.ts';
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
  const { promisedBytes, missingBytes } = await sumOfPromisedBytes(tx);
  const wanted = `There is no room for a file of ${moreBytes} bytes`;
  const spokenFor = missingBytes + limits.minFreeBytes;
  if (spokenFor + moreBytes > freeBytes) {
    const why = `${freeBytes} are free, and ${spokenFor} of them are spoken for.`;
    throw resourceExhausted('STORAGE_FULL', `${wanted}: ${why}`);
  }
  if (promisedBytes + moreBytes > limits.maxTotalBytes) {
    const why = `all uploads together may have ${limits.maxTotalBytes}, and ${promisedBytes} of them are spoken for.`;
    throw resourceExhausted('STORAGE_FULL', `${wanted}: ${why} Make images of some, or delete them.`);
  }
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
