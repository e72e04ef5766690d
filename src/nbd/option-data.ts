import { maxStringBytes } from './handshake-numbers.ts';

/** What INFO and GO ask:
 *
 *   32 bits  length of the name, at most that of all data - 6
 *   n        the name
 *   16 bits  how many kinds of information are asked for
 *   16 bits  each of them
 */
export interface InfoRequest {
  readonly name: string;
  readonly infoTypes: readonly number[];
}

/** What LIST_META_CONTEXT and SET_META_CONTEXT ask:
 *
 *   32 bits  length of the name
 *   n        the name
 *   32 bits  how many queries
 *   each     32 bits length, and the query
 */
export interface MetaContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

/** Undefined for data that is not what the option is to have, byte for byte. */
export function parseInfoRequest(data: Buffer): InfoRequest | undefined {
  const named = readString(data, 0);
  if (named === undefined || data.length < named.end + 2) return undefined;
  const count = data.readUInt16BE(named.end);
  if (data.length !== named.end + 2 + 2 * count) return undefined;
  const infoTypes = Array.from({ length: count }, (_, index) => data.readUInt16BE(named.end + 2 + 2 * index));
  return { name: named.text, infoTypes };
}

/** Undefined for data that is not what the option is to have, byte for byte. */
export function parseMetaContextRequest(data: Buffer): MetaContextRequest | undefined {
  const named = readString(data, 0);
  if (named === undefined || data.length < named.end + 4) return undefined;
  const count = data.readUInt32BE(named.end);
  const queries: string[] = [];
  let at = named.end + 4;
  while (queries.length < count) {
    const query = readString(data, at); // needs four bytes at least, so that the data bounds the loop
    if (query === undefined) return undefined;
    queries.push(query.text);
    at = query.end;
  }
  return at === data.length ? { name: named.text, queries } : undefined;
}

/** A name as the protocol wants it: at most 4096 bytes of UTF-8 without NUL. Undefined for anything else. */
export function parseName(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxStringBytes || bytes.includes(0)) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

// A byte order mark is part of a name.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readString(data: Buffer, at: number): { text: string; end: number } | undefined {
  if (data.length < at + 4) return undefined;
  const length = data.readUInt32BE(at);
  const end = at + 4 + length;
  if (end > data.length) return undefined;
  const text = parseName(data.subarray(at + 4, end));
  return text === undefined ? undefined : { text, end };
}
