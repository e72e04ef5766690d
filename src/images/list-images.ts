import type { Database } from '../db/database.ts';
import { invalidField, notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { cutPage, decodePageToken, pageLimit } from '../lib/page.ts';
import type { Image } from './image.ts';
import { listImageRows, positionOf } from './image-page-rows.ts';
import { readImageFilter } from './list-filter.ts';
import { readImageOrder } from './list-order.ts';

export interface ListImages {
  readonly folderId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page; any other is of one folder, filter and order. */
  readonly pageToken: string;
  /** See list-filter.ts; '' for every image. */
  readonly filter: string;
  /** See list-order.ts; '' for by id. */
  readonly orderBy: string;
}

/**
 * The images of a folder. Throws NOT_FOUND for the folder, INVALID_ARGUMENT for a filter, an order or a page token. What
 * is there all the while that somebody pages is listed exactly once.
 */
export async function listImages(
  { db }: { readonly db: Database },
  { folderId, pageSize, pageToken, filter, orderBy }: ListImages,
): Promise<{ images: readonly Image[]; nextPageToken: string }> {
  const conditions = readImageFilter(filter);
  const order = readImageOrder(orderBy);
  const asked = ['images', folderId, filter, order.column, order.direction];
  const after = pageToken === '' ? undefined : decodePageToken(asked, pageToken);
  if (pageToken !== '' && after === undefined) {
    throw invalidField('page_token', 'is not a token of this list: folder, filter and order must stay the same');
  }
  if ((await findFolder(db.read, folderId)) === undefined) throw notFound('Folder', folderId);
  const limit = pageLimit(pageSize);
  const rows = await listImageRows(db.read, { folderId, conditions, order, after, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, (image) => positionOf(image, order));
  return { images: page.items, nextPageToken: page.nextPageToken };
}
