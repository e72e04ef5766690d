import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import type { Schema } from '../db/schema.ts';
import type { PagePosition } from '../lib/page.ts';
import type { ListCondition } from './list-filter.ts';
import type { ListOrder } from './list-order.ts';
import type { ListedTable } from './listed-table.ts';

export interface PageQuery {
  readonly folderId: string;
  readonly conditions: readonly ListCondition[];
  readonly order: ListOrder;
  /** Where the page before ended. */
  readonly after: PagePosition | undefined;
  readonly limit: number;
}

/**
 * Leaves a page of a folder's rows of a query over `table`. For each order the table has an index over (folder, sort
 * key, id), so that the database begins at the position and stops at the limit: without a filter a page costs the same
 * wherever it is.
 */
export function cutToPage<T extends ListedTable['name'], O>(
  query: SelectQueryBuilder<Schema, T, O>,
  table: ListedTable<T>,
  { folderId, conditions, order, after, limit }: PageQuery,
): SelectQueryBuilder<Schema, T, O> {
  const { column, direction } = order;
  const of = (name: string) => sql.ref(`${table.name}.${name}`);
  let page = query.where(sql<SqlBool>`${of('folder_id')} = ${folderId}`);
  if (after !== undefined) {
    const beyond = sql.raw(direction === 'asc' ? '>' : '<');
    const key = column === 'created_at' ? Number(after.key) : after.key;
    page = page.where(
      column === 'id'
        ? sql<SqlBool>`${of('id')} ${beyond} ${after.id}`
        : sql<SqlBool>`(${of(column)}, ${of('id')}) ${beyond} (${key}, ${after.id})`,
    );
  }
  for (const condition of conditions) page = page.where(condition);
  if (column !== 'id') page = page.orderBy(of(column), direction);
  return page.orderBy(of('id'), direction).limit(limit);
}

/** Where a page that ends with this row ends. */
export function positionOf(
  { id, name, createdAt }: { readonly id: string; readonly name: string; readonly createdAt: Date },
  { column }: ListOrder,
): PagePosition {
  switch (column) {
    case 'id':
      return { key: '', id };
    case 'name':
      return { key: name, id };
    case 'created_at':
      return { key: String(createdAt.getTime()), id };
  }
}
