import { ImageRefused } from '../../formats/image-refused.ts';

export interface PaxRecord {
  readonly key: string;
  readonly value: string;
}

/**
 * The records of a PAX header, in order: `LENGTH KEY=VALUE\n`, where LENGTH is decimal and counts all of the record.
 *
 * @throws ImageRefused
 */
export function readPaxRecords(bytes: Uint8Array, position: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const digits = blank === -1 ? '' : textOf(bytes.subarray(at, Math.min(blank, at + 20)));
    const length = /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : 0;
    const record = bytes.subarray(blank + 1, at + length);
    const equals = record.indexOf(0x3d);
    if (length === 0 || at + length > bytes.length || equals < 1 || record.at(-1) !== 0x0a) {
      throw new ImageRefused({
        check: 'tar.pax-record',
        reason: `The tar archive is damaged: the PAX header at byte ${position} has no record at its byte ${at}.`,
      });
    }
    records.push({ key: textOf(record.subarray(0, equals)), value: textOf(record.subarray(equals + 1, -1)) });
    at += length;
  }
  return records;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
