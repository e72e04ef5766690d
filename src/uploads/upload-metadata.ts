import type { Upload } from './upload.ts';

/** What the `Upload-Metadata` header holds: keys, each with a value in base64 or without one, with commas between. */
const pair = /^([\x21-\x2b\x2d-\x7e]+)(?: ([A-Za-z0-9+/]*={0,2}))?$/;

const maxFilenameLength = 255;

/** The header's keys and values, or undefined when it is not well formed. */
export function parseUploadMetadata(header: string): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>();
  if (header.trim() === '') return values;
  for (const item of header.split(',')) {
    const [, key, base64 = ''] = pair.exec(item.trim()) ?? [];
    if (key === undefined || values.has(key)) return undefined;
    values.set(key, Buffer.from(base64, 'base64').toString('utf8'));
  }
  return values;
}

/**
 * What the client calls the file, fit to be shown: one line, not endless. It is never the name of anything here. '' when
 * it did not say.
 */
export function filenameOf({ metadata }: Upload): string {
  const values = parseUploadMetadata(metadata);
  const name = values?.get('filename') ?? values?.get('name') ?? '';
  return name
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
    .slice(0, maxFilenameLength)
    .toWellFormed();
}
