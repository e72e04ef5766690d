import type { Database, Queryable } from '../db/database.ts';
import { cutToPage, type PageQuery } from '../resources/list-page.ts';
import { type ListRequest, listResources } from '../resources/list-resources.ts';
import type { ListedTable } from '../resources/listed-table.ts';
import type { Disk } from './disk.ts';
import { toDisk } from './disk-rows.ts';

export const listedDisks: ListedTable<'disks'> = {
  name: 'disks',
  labels: { table: 'disk_labels', owner: 'disk_id' },
  texts: { name: 'name', id: 'id', type_id: 'type_id', typeId: 'type_id', zone_id: 'zone_id', zoneId: 'zone_id' },
};

/** The disks of a folder. Throws as listResources. */
export async function listDisks(
  deps: { readonly db: Database },
  request: ListRequest,
): Promise<{ disks: readonly Disk[]; nextPageToken: string }> {
  const { items, nextPageToken } = await listResources(deps, request, {
    table: listedDisks,
    rows: async (db, query) => (await diskPage(db, query).execute()).map(toDisk),
  });
  return { disks: items, nextPageToken };
}

export function diskPage(db: Queryable, query: PageQuery) {
  return cutToPage(db.selectFrom('disks').selectAll('disks'), listedDisks, query);
}
