import type { Described, Terms } from '../../buckets/stored-object.ts';
import { s3Error } from './s3-error.ts';
import { headerOf, type S3Request } from './s3-request.ts';

const defaultType = 'application/octet-stream';
const metadataPrefix = 'x-amz-meta-';
const maxMetadataBytes = 8 * 1024;
/** Headers that are kept and given back, and what they are called in rows. */
const keptHeaders = {
  'cache-control': 'cacheControl',
  'content-disposition': 'contentDisposition',
  'content-language': 'contentLanguage',
} as const;
/** What would change what is stored, or who may read it, and is not done here. */
const refused =
  /^x-amz-(copy-source|server-side-encryption-customer|object-lock|website-redirect-location|write-offset)/;

/** What a request says of the object that it makes. Throws NotImplemented for what would not be so. */
export function readObjectHeaders(request: S3Request): {
  readonly contentType: string;
  readonly described: Described;
  readonly terms: Terms;
} {
  const unkept = [...request.headers.keys()].find((name) => refused.test(name));
  if (unkept !== undefined) {
    throw s3Error('NotImplemented', `A header you provided implies functionality that is not implemented: ${unkept}`);
  }
  const texts: [string, string][] = [];
  for (const [header, name] of Object.entries(keptHeaders)) {
    const value = headerOf(request, header);
    if (value !== undefined) texts.push([name, value.slice(0, 1024)]);
  }
  const metadata = readMetadata(request);
  return {
    contentType: (headerOf(request, 'content-type') ?? defaultType).slice(0, 256),
    described: {
      ...(texts.length === 0 ? {} : { texts: Object.fromEntries(texts) }),
      ...(metadata.length === 0 ? {} : { metadata: Object.fromEntries(metadata) }),
    },
    terms: readTerms(request),
  };
}

/** The same headers, of a reply. */
export function describedHeaders({ texts = {}, metadata = {} }: Described): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [header, name] of Object.entries(keptHeaders)) {
    const value = texts[name];
    if (value !== undefined) headers[header] = plain(value);
  }
  for (const [name, value] of Object.entries(metadata)) {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) headers[metadataPrefix + name.toLowerCase()] = plain(value);
  }
  return headers;
}

/** The MD5 that `content-md5` gives, in base64. */
export function readContentMd5(request: S3Request): string | undefined {
  const md5 = headerOf(request, 'content-md5');
  if (md5 === undefined || /^[A-Za-z0-9+/]{22}==$/.test(md5)) return md5;
  throw s3Error('BadDigest', 'The Content-MD5 you specified is not valid.');
}

/** What must hold of the name that a request gives to an object. */
export function readTerms(request: S3Request): Terms {
  const ifNoneMatch = headerOf(request, 'if-none-match');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw s3Error('NotImplemented', 'If-None-Match of a request that writes can be * alone.');
  }
  if (request.headers.has('if-match')) throw s3Error('NotImplemented', 'If-Match is for requests that read.');
  return ifNoneMatch === undefined ? {} : { generation: 0 };
}

function readMetadata({ headers }: S3Request): [string, string][] {
  const metadata: [string, string][] = [];
  let length = 0;
  for (const [name, values] of headers) {
    if (!name.startsWith(metadataPrefix)) continue;
    const value = values.map((each) => each.trim()).join(',');
    metadata.push([name.slice(metadataPrefix.length), value]);
    length += name.length + value.length;
  }
  if (length <= maxMetadataBytes) return metadata;
  throw s3Error('InvalidRequest', `The metadata is limited to ${maxMetadataBytes} bytes.`);
}

/** As a header can have it. */
export function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
