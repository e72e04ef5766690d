import { createHash } from 'node:crypto';
import type { ServiceError } from '../../../errors.ts';
import { invalidValue } from '../compute-errors.ts';

export const maxPageResults = 500;

/** Which part of a list is asked for. */
export interface PageRequest {
  /** Items that are taken at most, 1 to 500. */
  readonly limit: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/**
 * Reads `maxResults` and `pageToken`: 0 or nothing asks for as many as there can be. Throws INVALID_ARGUMENT for a number
 * out of range; whether the token is one of the list is for readToken to say.
 */
export function readPage(asked: {
  readonly maxResults?: number | undefined;
  readonly pageToken?: string | undefined;
}): PageRequest {
  const { maxResults = 0, pageToken = '' } = asked;
  if (!Number.isInteger(maxResults) || maxResults < 0 || maxResults > maxPageResults) {
    const range = `Values must be within the following range: [0, ${maxPageResults}]`;
    throw invalidValue('maxResults', String(maxResults), range);
  }
  return { limit: maxResults === 0 ? maxPageResults : maxResults, pageToken };
}

/** 66 bits: enough that no token of another query passes by chance. Like the core's own it is no secret: lib/page.ts. */
const sealLength = 11;

/**
 * The token of a page that continues where the core's token says. The core knows no filter of this API: the seal, a hash
 * over the query and the token, ties it to one.
 */
export function sealToken(query: readonly string[], coreToken: string): string {
  return sealOf(query, coreToken) + coreToken;
}

/** The core's token in a token of this very query, '' in ''. Throws INVALID_ARGUMENT for every other text. */
export function openToken(query: readonly string[], token: string): string {
  if (token === '') return '';
  const coreToken = token.slice(sealLength);
  if (coreToken === '' || sealOf(query, coreToken) !== token.slice(0, sealLength)) throw foreignToken(token);
  return coreToken;
}

/** The token is not one of this list, filter and order. */
export function foreignToken(token: string): ServiceError {
  return invalidValue('pageToken', token, 'It is of no list with this filter and order.');
}

function sealOf(query: readonly string[], coreToken: string): string {
  return createHash('sha256')
    .update(JSON.stringify([query, coreToken]))
    .digest('base64url')
    .slice(0, sealLength);
}
