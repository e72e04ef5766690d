import { BatchRefused } from './batch-refused.ts';

/** Headers by their names in lower case; of one that is repeated the first. */
export type Headers = ReadonlyMap<string, string>;

/** The lines up to the first that is empty, and what is behind that. */
export interface HeadAndRest {
  readonly lines: readonly string[];
  readonly rest: string;
}

const maxHeaders = 100;
/** The end of a head: an empty line, behind others or at once. Lines end with LF or CRLF. */
const headEnd = /(?:^|\r?\n)\r?\n/;

/** Where there is no empty line it is all head. */
export function takeHead(text: string): HeadAndRest {
  const end = headEnd.exec(text);
  const head = end === null ? text : text.slice(0, end.index);
  const rest = end === null ? '' : text.slice(end.index + end[0].length);
  return { lines: head === '' ? [] : head.split(/\r?\n/), rest };
}

/** Reads header lines; one that begins with space goes on with the one before. */
export function readHeaders(lines: readonly string[]): Headers {
  if (lines.length > maxHeaders) throw new BatchRefused(`a part has more than ${maxHeaders} header lines`);
  const headers = new Map<string, string>();
  const unfolded = lines.join('\n').replaceAll(/\n[ \t]+/g, ' ');
  for (const line of unfolded === '' ? [] : unfolded.split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new BatchRefused('a part has a line that is no header');
    }
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}
