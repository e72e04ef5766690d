import { createHash } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, type Page, pageLimit, readPageToken } from '../lib/page.ts';
import { type AccessBinding, bindingKey } from './access-binding.ts';
import { listAccessBindingRows } from './access-binding-rows.ts';

export interface ListAccessBindings {
  readonly resourceId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/**
 * The bindings of a resource, page by page, in an order of their own: that of a hash, because a binding does not fit into a page
 * token. What is there all the while that somebody pages is listed once. None for what is not there.
 */
export async function listAccessBindings(
  { db }: { readonly db: Database },
  { resourceId, pageSize, pageToken }: ListAccessBindings,
): Promise<Page<AccessBinding>> {
  const query = ['access bindings', resourceId];
  const after = readPageToken(query, pageToken, foreignPageToken)?.key ?? '';
  const limit = pageLimit(pageSize);
  const rest = (await listAccessBindingRows(db.read, resourceId))
    .map((binding) => ({ binding, key: hashOf(binding) }))
    .filter(({ key }) => key > after)
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  // A token has the id of a row; here the key says it all.
  const page = cutPage(rest.slice(0, limit + 1), limit, query, ({ key }) => ({ key, id: 'binding' }));
  return { items: page.items.map(({ binding }) => binding), nextPageToken: page.nextPageToken };
}

/** 128 bits of a hash, in hexadecimal digits. */
function hashOf(binding: AccessBinding): string {
  return createHash('sha256').update(bindingKey(binding)).digest('hex').slice(0, 32);
}
