import type { Database, Queryable } from '../db/database.ts';
import { cutToPage, type PageQuery } from '../resources/list-page.ts';
import { type ListRequest, listResources } from '../resources/list-resources.ts';
import type { ListedTable } from '../resources/listed-table.ts';
import type { Image } from './image.ts';
import { toImage } from './image-rows.ts';

export const listedImages: ListedTable<'images'> = {
  name: 'images',
  labels: { table: 'image_labels', owner: 'image_id' },
  texts: { name: 'name', family: 'family', id: 'id' },
};

/** The images of a folder. Throws as listResources. */
export async function listImages(
  deps: { readonly db: Database },
  request: ListRequest,
): Promise<{ images: readonly Image[]; nextPageToken: string }> {
  const { items, nextPageToken } = await listResources(deps, request, {
    table: listedImages,
    rows: async (db, query) => (await imagePage(db, query).execute()).map(toImage),
  });
  return { images: items, nextPageToken };
}

export function imagePage(db: Queryable, query: PageQuery) {
  return cutToPage(db.selectFrom('images').selectAll('images'), listedImages, query);
}
