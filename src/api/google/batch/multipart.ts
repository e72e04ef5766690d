import { BatchRefused } from './batch-refused.ts';

/**
 * The boundary in the content type of a multipart/mixed body: RFC 2046, 5.1.1. It may be in quotes, of which some clients
 * use the single ones. Throws BatchRefused for any other content type.
 */
export function boundaryOf(contentType: string | undefined): string {
  const [, parameters] = /^multipart\/mixed[ \t]*;(.*)$/is.exec(contentType ?? '') ?? [];
  if (parameters === undefined) throw new BatchRefused('the content type is not multipart/mixed with a boundary');
  const found = /(?:^|;)[ \t]*boundary=(?:"([^"]*)"|'([^']*)'|([^\s;]*))/i.exec(parameters) ?? [];
  const boundary = found[1] ?? found[2] ?? found[3] ?? '';
  if (!/^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/.test(boundary)) {
    throw new BatchRefused('the boundary is not 1 to 70 of the characters that one may have');
  }
  return boundary;
}

/**
 * The parts of a multipart body, of which each character is a byte, without the line breaks that belong to the
 * boundaries. Lines end with LF or CRLF. Throws BatchRefused for a body that does not end with its last boundary, or has no
 * parts or more than `maxParts`.
 */
export function splitMultipart(body: string, boundary: string, maxParts: number): readonly string[] {
  const delimiter = new RegExp(`(?:^|\\r?\\n)--${RegExp.escape(boundary)}(--)?[ \\t]*(?=\\r?\\n|$)`, 'g');
  const parts: string[] = [];
  let start: number | undefined;
  for (const { 0: found, 1: end, index } of body.matchAll(delimiter)) {
    if (start !== undefined) parts.push(body.slice(start, index).replace(/^\r?\n/, ''));
    if (parts.length > maxParts) throw new BatchRefused(`it has more than ${maxParts} parts`);
    if (end !== undefined) return someParts(parts);
    start = index + found.length;
  }
  throw new BatchRefused(start === undefined ? 'it has no boundary' : 'it does not end with its boundary');
}

function someParts(parts: readonly string[]): readonly string[] {
  if (parts.length === 0) throw new BatchRefused('it has no parts');
  return parts;
}
