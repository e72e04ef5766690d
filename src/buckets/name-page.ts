import { ServiceError } from '../errors.ts';
import type { Page } from '../lib/page.ts';

/** Lists of buckets and objects are in the order of their names' bytes, and short enough to be cut from the whole. */

export interface NameQuery {
  /** '' for all. */
  readonly prefix: string;
  /** The most that a page has; 0 leaves it to us. */
  readonly maxResults: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

const maxPageSize = 1000;

/** A page of what is sorted by its names already. The token is the last name of the page before. Throws INVALID_ARGUMENT. */
export function cutNames<T>(
  sorted: readonly T[],
  { maxResults, pageToken }: Omit<NameQuery, 'prefix'>,
  nameOf: (item: T) => string,
): Page<T> {
  const after = readToken(pageToken);
  const first = after === undefined ? 0 : sorted.findIndex((item) => compareBytes(nameOf(item), after) > 0);
  const limit = maxResults > 0 ? Math.min(maxResults, maxPageSize) : maxPageSize;
  const rest = first < 0 ? [] : sorted.slice(first);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const isLast = items.length === rest.length || last === undefined;
  return { items, nextPageToken: isLast ? '' : Buffer.from(nameOf(last)).toString('base64url') };
}

function readToken(token: string): string | undefined {
  if (token === '') return undefined;
  const name = Buffer.from(token, 'base64url').toString('utf8');
  if (Buffer.from(name).toString('base64url') === token) return name;
  throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', message: 'Invalid argument.' });
}

/** As the databases do: code units of UTF-16 are in another order. */
export function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
