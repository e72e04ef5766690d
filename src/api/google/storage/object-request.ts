import type { Described, Terms } from '../../../buckets/stored-object.ts';
import type { HeaderLookup } from '../../request-ids.ts';
import { invalidArgument, termsOf } from './storage-query.ts';

/** What a client says of an object that it is about to send. */
export interface ObjectRequest {
  readonly name: string;
  readonly contentType: string;
  readonly described: Described;
  readonly terms: Terms;
}

const defaultType = 'application/octet-stream';
const maxTextLength = 1024;
const maxMetadataBytes = 8 * 1024;
const keptTexts = ['cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage', 'customTime'] as const;

/**
 * Reads an object resource, and the query and headers that came with it. What is not kept is ignored. Throws
 * INVALID_ARGUMENT.
 */
export function readObjectRequest(
  json: Readonly<Record<string, unknown>>,
  query: URLSearchParams,
  header: HeaderLookup,
  bodyType?: string,
): ObjectRequest {
  const name = query.get('name') ?? textOf(json, 'name') ?? '';
  if (name === '') throw invalidArgument('Required parameter: name');
  const md5 = textOf(json, 'md5Hash');
  const crc32c = textOf(json, 'crc32c');
  return {
    name,
    contentType: (textOf(json, 'contentType') ?? bodyType ?? defaultType).slice(0, 256),
    described: describedOf(json, query),
    terms: {
      ...termsOf(query),
      ...(md5 === undefined ? {} : { md5 }),
      ...(crc32c === undefined ? {} : { crc32c }),
      ...digestsOf(header),
    },
  };
}

/**
 * What the headers say that the bytes are: `x-goog-hash: crc32c=AAAAAA==,md5=...`, `content-md5`. Throws INVALID_ARGUMENT.
 * A header is about the whole object, in a request for a part of it, too; `content-md5` is not, and must not be asked for then.
 */
export function digestsOf(header: HeaderLookup, { ofWhole = true } = {}): Pick<Terms, 'md5' | 'crc32c'> {
  const told: { md5?: string; crc32c?: string } = {};
  const contentMd5 = ofWhole ? header('content-md5') : undefined;
  if (contentMd5 !== undefined) told.md5 = base64(contentMd5.trim());
  for (const item of (header('x-goog-hash') ?? '').split(',')) {
    const [, name, value] = /^\s*(md5|crc32c)=(\S+)\s*$/.exec(item) ?? [];
    if (value !== undefined && (name === 'md5' || name === 'crc32c')) told[name] = base64(value);
  }
  return told;
}

function base64(text: string): string {
  if (!/^[A-Za-z0-9+/]{4,24}={0,2}$/.test(text)) throw invalidArgument('Invalid digest: it must be base64.');
  return text;
}

function describedOf(json: Readonly<Record<string, unknown>>, query: URLSearchParams): Described {
  const texts: Record<string, string> = {};
  for (const key of keptTexts) {
    const text = textOf(json, key) ?? (key === 'contentEncoding' ? (query.get(key) ?? undefined) : undefined);
    if (text !== undefined) texts[key] = text;
  }
  const metadata = metadataOf(json);
  return {
    ...(Object.keys(texts).length === 0 ? {} : { texts }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function metadataOf(json: Readonly<Record<string, unknown>>): Record<string, string> | undefined {
  const given = json.metadata;
  if (given === undefined || given === null) return undefined;
  if (typeof given !== 'object' || Array.isArray(given)) throw invalidArgument('Invalid value for: metadata');
  const metadata: [string, string][] = [];
  let length = 0;
  for (const [key, value] of Object.entries(given)) {
    if (value === null) continue;
    if (typeof value !== 'string') throw invalidArgument('Invalid value for: metadata');
    metadata.push([key.toWellFormed(), value.toWellFormed()]);
    length += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (length > maxMetadataBytes) throw invalidArgument(`Metadata is limited to ${maxMetadataBytes} bytes.`);
  return Object.fromEntries(metadata);
}

export function textOf(json: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = json[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.length > maxTextLength * 2) throw invalidArgument(`Invalid value for: ${key}`);
  // NUL is in no text of PostgreSQL.
  return value.toWellFormed().replaceAll('\0', '\ufffd');
}
