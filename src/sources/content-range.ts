/** `Content-Range: bytes first-last/total` of a 206, or `bytes * /total` of a 416 (RFC 9110, 14.4). */
export interface ContentRange {
  /** First byte; undefined in the form of a 416. */
  readonly offset: number | undefined;
  /** Bytes in the range; 0 in the form of a 416. */
  readonly length: number;
  /** Length of the whole; undefined when the server does not tell it. */
  readonly totalBytes: number | undefined;
}

/** The header's meaning, or undefined when it is missing, malformed or contradicts itself. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes +(?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  const [, first, last, total = '*'] = match;
  const totalBytes = total === '*' ? undefined : Number(total);
  if (totalBytes !== undefined && !Number.isSafeInteger(totalBytes)) return undefined;
  if (first === undefined || last === undefined) return { offset: undefined, length: 0, totalBytes };
  const offset = Number(first);
  const end = Number(last) + 1;
  if (!Number.isSafeInteger(end) || end <= offset || (totalBytes !== undefined && end > totalBytes)) return undefined;
  return { offset, length: end - offset, totalBytes };
}

/** A header that counts bytes, or undefined when it is missing or no number. */
export function parseLength(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,16}$/.test(header)) return undefined;
  const length = Number(header);
  return Number.isSafeInteger(length) ? length : undefined;
}
