import type { HeaderLookup } from '../request-ids.ts';
import { type ByteRange, parseByteRange } from './byte-range.ts';

/** How a request for content with a strong entity tag is to be answered. */
export type ContentAnswer =
  | ByteRange
  /** 304 */
  | { readonly kind: 'not-modified' }
  /** 412 */
  | { readonly kind: 'precondition-failed' };

/**
 * Evaluates If-Match, If-None-Match, If-Range and Range in the order of RFC 9110, 13.2.2. Content has no modification
 * time here, so conditions on one never hold. HEAD has no ranges.
 */
export function contentAnswer(
  verb: 'GET' | 'HEAD',
  header: HeaderLookup,
  content: { readonly etag: string; readonly sizeBytes: number },
): ContentAnswer {
  const ifMatch = header('if-match');
  if (ifMatch !== undefined && !tags(ifMatch).some((tag) => tag === '*' || tag === content.etag)) {
    return { kind: 'precondition-failed' };
  }
  const ifNoneMatch = header('if-none-match');
  if (ifNoneMatch !== undefined && tags(ifNoneMatch).some((tag) => tag === '*' || weak(tag) === content.etag)) {
    return { kind: 'not-modified' };
  }
  const ifRange = header('if-range');
  if (verb === 'HEAD' || (ifRange !== undefined && ifRange.trim() !== content.etag)) return { kind: 'whole' };
  return parseByteRange(header('range'), content.sizeBytes);
}

/** Our tags contain no commas, so that a tag that is cut at one is none of ours anyway. */
function tags(list: string): string[] {
  return list.split(',').map((tag) => tag.trim());
}

/** The tag as If-None-Match compares it: whether it is weak does not matter there. */
function weak(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
