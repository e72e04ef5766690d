/** What a `Range` header asks of content of a known size. `end` is the first byte that is not wanted. */
export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const shape = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)$/i;

/**
 * Reads a `Range` header by RFC 9110, 14.2. What is malformed, in another unit, or of several ranges is ignored, as
 * the RFC allows: the whole content answers it.
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange {
  const [, first, last] = shape.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'whole' };
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: sizeBytes - length, end: sizeBytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  if (start >= sizeBytes) return { kind: 'unsatisfiable' };
  return { kind: 'part', start, end: last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) };
}
