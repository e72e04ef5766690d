import { uploadIdOf, uploadUri } from '../lib/upload-uri.ts';
import { SourceFailed } from './source-failed.ts';

/** The longest address taken, in characters: what common servers and pre-signed URLs stay below. */
export const MAX_URI_LENGTH = 8192;

const SHOWN_PATH_LENGTH = 256;

/**
 * An address as it may stand in logs, errors and metadata: without user information, query and fragment, all of which
 * may be secrets (pre-signed URLs carry theirs in the query). Never throws.
 */
export function describeUri(uri: string | URL): string {
  const url = typeof uri === 'string' ? URL.parse(uri) : uri;
  if (url === null) return '(an address that cannot be read)';
  const uploadId = uploadIdOf(url.href);
  if (uploadId !== undefined) return uploadUri(uploadId);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `${url.protocol}…`;
  const path = url.pathname.length > SHOWN_PATH_LENGTH ? `${url.pathname.slice(0, SHOWN_PATH_LENGTH)}…` : url.pathname;
  return `${url.origin}${path}${url.search === '' ? '' : '?…'}`;
}

/**
 * Why `uri` cannot be a source, as a sentence, or undefined when it can. Looks at the text only: whether its address is
 * allowed is known when it is connected to.
 */
export function checkUri(uri: string): string | undefined {
  if (uri === '') return 'The address is empty.';
  if (uri.length > MAX_URI_LENGTH) {
    return `The address is ${uri.length} characters long; at most ${MAX_URI_LENGTH} are taken.`;
  }
  // URL parsers drop tabs and newlines and turn a backslash into a slash: an address that needs such mending may mean
  // one host to the person and another to the parser.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\s\\\u0000-\u0020\u007f]/u.test(uri)) {
    return 'The address holds a space, a backslash or a control character; write it percent-encoded.';
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return 'The address must be absolute and begin with https:// or http://.';
  if (scheme === 's3') {
    return 'Addresses of the form s3:// are not read. Give the https:// address of the object, pre-signed if it is private.';
  }
  if (scheme === 'obraz') {
    return uploadIdOf(uri) === undefined ? 'Of this form only obraz:upload/UPLOAD_ID is known.' : undefined;
  }
  if (scheme !== 'http' && scheme !== 'https') {
    return `Addresses of the form ${scheme}: are not read. Give one that begins with https:// or http://.`;
  }
  return checkHttpUri(uri);
}

function checkHttpUri(uri: string): string | undefined {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(uri)?.[1];
  if (authority === undefined) return 'The address must have // after its scheme.';
  const hostAndPort = authority.slice(authority.lastIndexOf('@') + 1);
  if (hostAndPort === '' || hostAndPort.startsWith(':')) return 'The address has no host.';
  const port = /:([^:\]]*)$/.exec(hostAndPort)?.[1];
  if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535)) {
    return 'The port must be a number from 1 to 65535.';
  }
  const url = URL.parse(uri);
  if (url === null || url.hostname === '') return 'The host of the address is not a name or an IP address.';
  for (const part of [url.username, url.password]) {
    if (decodedOrUndefined(part) === undefined) return 'The user name or password is not well percent-encoded.';
  }
  return undefined;
}

/**
 * The URL that `uri` means.
 *
 * @throws SourceFailed `uri-invalid`, with the sentence of `checkUri`
 */
export function parseUri(uri: string): URL {
  const reason = checkUri(uri);
  const url = reason === undefined ? URL.parse(uri) : null;
  if (url === null) {
    throw new SourceFailed({
      kind: 'uri-invalid',
      url: describeUri(uri),
      reason: reason ?? 'The address cannot be read.',
    });
  }
  return url;
}

/** The `Authorization` header that the user information of `url` asks for, if it has any. */
export function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodedOrUndefined(url.username) ?? ''}:${decodedOrUndefined(url.password) ?? ''}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

function decodedOrUndefined(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
