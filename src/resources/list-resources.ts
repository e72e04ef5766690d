import type { Database, Queryable } from '../db/database.ts';
import { foreignPageToken, notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { cutPage, type Page, pageLimit, readPageToken } from '../lib/page.ts';
import { readListFilter } from './list-filter.ts';
import { readListOrder } from './list-order.ts';
import { type PageQuery, positionOf } from './list-page.ts';
import type { ListedTable } from './listed-table.ts';

export interface ListRequest {
  readonly folderId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page; any other is of one folder, filter and order. */
  readonly pageToken: string;
  /** See list-filter.ts; '' for everything. */
  readonly filter: string;
  /** See list-order.ts; '' for by id. */
  readonly orderBy: string;
}

/** What is listed: a table, and how its rows are read. */
export interface Listing<R> {
  readonly table: ListedTable;
  rows(db: Queryable, query: PageQuery): Promise<R[]>;
}

/**
 * The resources of one kind in a folder. Throws NOT_FOUND for the folder, INVALID_ARGUMENT for a filter, an order or a
 * page token. What is there all the while that somebody pages is listed exactly once.
 */
export async function listResources<R extends { readonly id: string; readonly name: string; readonly createdAt: Date }>(
  { db }: { readonly db: Database },
  { folderId, pageSize, pageToken, filter, orderBy }: ListRequest,
  { table, rows }: Listing<R>,
): Promise<Page<R>> {
  const { conditions, isQuick } = readListFilter(table, filter);
  const order = readListOrder(orderBy);
  const asked = [table.name, folderId, filter, order.column, order.direction];
  const after = readPageToken(asked, pageToken, () =>
    foreignPageToken(': folder, filter and order must stay the same'),
  );
  if ((await findFolder(db.read, folderId)) === undefined) throw notFound('Folder', folderId);
  const limit = pageLimit(pageSize);
  // Others may walk the whole folder for a page: half a second for a million rows, and on SQLite nobody could read meanwhile.
  const found = await rows(isQuick ? db.read : db.scan, { folderId, conditions, order, after, limit: limit + 1 });
  return cutPage(found, limit, asked, (row) => positionOf(row, order));
}
