import { createHash } from 'node:crypto';

/**
 * Pages of a list by key: a page starts after the position where the last one ended, found through an index, so the
 * thousandth page costs what the first one did, and rows that come or go meanwhile neither repeat nor hide others.
 */

const defaultPageSize = 100;
const maxPageSize = 1000;

/** How many items a page has when the caller asks for `pageSize`; 0 leaves it to us. */
export function pageLimit(pageSize: number): number {
  if (!Number.isSafeInteger(pageSize) || pageSize <= 0) return defaultPageSize;
  return Math.min(pageSize, maxPageSize);
}

/** Where a page ended: the sort key of its last item, and the item's id, which breaks ties. */
export interface PagePosition {
  /** '' when the list is sorted by id alone. At most 63 characters of A-Z, a-z, 0-9, `_` and `-`. */
  readonly key: string;
  readonly id: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** '' at the end of the list. */
  readonly nextPageToken: string;
}

/** 66 bits: enough that no token of another query passes by chance. It is no secret and need not be one. */
const sealLength = 11;
const tokenShape = /^([A-Za-z0-9_-]{11})([a-z0-9-]{1,20})\.([A-Za-z0-9_-]{0,63})$/;

/**
 * The token of a position: seal, id, dot, key; at most 95 characters, all safe in a URL. The key is carried as it is,
 * because the row may be gone when the token comes back, and a name of 63 characters leaves no room for an encoding.
 * The seal is a hash over the query and the position. It keeps honest clients from mixing up lists; who forges
 * one gains a page of a list that he may read anyway.
 */
export function encodePageToken(query: readonly string[], position: PagePosition): string {
  const token = `${seal(query, position)}${position.id}.${position.key}`;
  if (!tokenShape.test(token))
    throw new Error(`not a position that a page token can hold: ${JSON.stringify(position)}`);
  return token;
}

/** The position in a token of this very query; undefined for every other text. */
export function decodePageToken(query: readonly string[], token: string): PagePosition | undefined {
  const [, sealed, id, key] = tokenShape.exec(token) ?? [];
  if (sealed === undefined || id === undefined || key === undefined) return undefined;
  const position = { key, id };
  return seal(query, position) === sealed ? position : undefined;
}

/**
 * Where the page that a request asks for begins: behind this position; undefined for the first page. A text that is no token
 * of this very query throws what `refuse` makes.
 */
export function readPageToken(query: readonly string[], token: string, refuse: () => Error): PagePosition | undefined {
  if (token === '') return undefined;
  const position = decodePageToken(query, token);
  if (position === undefined) throw refuse();
  return position;
}

function seal(query: readonly string[], { key, id }: PagePosition): string {
  return createHash('sha256')
    .update(JSON.stringify([query, id, key]))
    .digest('base64url')
    .slice(0, sealLength);
}

/** Cuts a page from rows that were read with `limit + 1`: the row too many says that there is a next page. */
export function cutPage<T>(
  rows: readonly T[],
  limit: number,
  query: readonly string[],
  positionOf: (row: T) => PagePosition,
): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items, nextPageToken: '' };
  return { items, nextPageToken: encodePageToken(query, positionOf(last)) };
}
