import type { Violation } from './disk-format.ts';

/** The sector every guest counts in; a disk is a whole number of them. */
export const sectorBytes = 512;

/** The largest disk that is imported: 4 TiB. */
export const maxGuestBytes = 4 * 1024 ** 4;

/** What is wrong with a disk of that many bytes, if anything. To be asked before anything is sized by it. */
export function guestSizeViolation(bytes: number | bigint): Violation | undefined {
  if (BigInt(bytes) === 0n) return { reason: 'The disk has a size of 0 bytes: there is nothing to import.' };
  if (bytes > maxGuestBytes) {
    return { reason: `The disk has ${bytes} bytes; the largest that is imported has ${maxGuestBytes} (4 TiB).` };
  }
  return undefined;
}
