import { ImageRefused } from '../../formats/image-refused.ts';
import type { PaxRecord } from './pax-records.ts';

/** The value of a key; of several the last, as POSIX says. */
export function textOf(records: readonly PaxRecord[], key: string): string | undefined {
  return records.findLast((record) => record.key === key)?.value;
}

/** @throws ImageRefused when it is there and no number */
export function numberOf(records: readonly PaxRecord[], key: string): number | undefined {
  const text = textOf(records, key);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new ImageRefused({
    check: 'tar.number',
    reason: `The tar archive is damaged: its PAX record ${JSON.stringify(key)} is no number, or too large.`,
  });
}
