import type { Queryable } from '../db/database.ts';
import type { PagePosition } from '../lib/page.ts';
import type { Image } from './image.ts';
import { toImage } from './image-rows.ts';
import type { ImageCondition } from './list-filter.ts';
import type { ImageOrder } from './list-order.ts';

export interface ImagePageQuery {
  readonly folderId: string;
  readonly conditions: readonly ImageCondition[];
  readonly order: ImageOrder;
  /** Where the page before ended. */
  readonly after: PagePosition | undefined;
  readonly limit: number;
}

/**
 * A page of a folder's images. For each order there is an index over (folder, sort key, id), so that the database begins
 * at the position and stops at the limit: without a filter a page costs the same wherever it is.
 */
export function imagePage(db: Queryable, { folderId, conditions, order, after, limit }: ImagePageQuery) {
  const { column, direction } = order;
  let query = db.selectFrom('images').selectAll('images').where('folder_id', '=', folderId);
  if (after !== undefined) {
    const beyond = direction === 'asc' ? '>' : '<';
    query = query.where((images) => {
      if (column === 'id') return images('id', beyond, after.id);
      if (column === 'name') return images(images.refTuple('name', 'id'), beyond, images.tuple(after.key, after.id));
      return images(images.refTuple('created_at', 'id'), beyond, images.tuple(Number(after.key), after.id));
    });
  }
  for (const condition of conditions) query = query.where(condition);
  if (column !== 'id') query = query.orderBy(column, direction);
  return query.orderBy('id', direction).limit(limit);
}

export async function listImageRows(db: Queryable, query: ImagePageQuery): Promise<Image[]> {
  return (await imagePage(db, query).execute()).map(toImage);
}

/** Where a page that ends with `image` ends. */
export function positionOf({ id, name, createdAt }: Image, { column }: ImageOrder): PagePosition {
  switch (column) {
    case 'id':
      return { key: '', id };
    case 'name':
      return { key: name, id };
    case 'created_at':
      return { key: String(createdAt.getTime()), id };
  }
}
