import type { Database, Queryable } from '../db/database.ts';
import { cutToPage, type PageQuery } from '../resources/list-page.ts';
import { type ListRequest, listResources } from '../resources/list-resources.ts';
import type { ListedTable } from '../resources/listed-table.ts';
import type { Snapshot } from './snapshot.ts';
import { toSnapshot } from './snapshot-rows.ts';

export const listedSnapshots: ListedTable<'snapshots'> = {
  name: 'snapshots',
  labels: { table: 'snapshot_labels', owner: 'snapshot_id' },
  texts: { name: 'name', id: 'id', source_disk_id: 'source_disk_id', sourceDiskId: 'source_disk_id' },
};

/** The snapshots of a folder. Throws as listResources. */
export async function listSnapshots(
  deps: { readonly db: Database },
  request: ListRequest,
): Promise<{ snapshots: readonly Snapshot[]; nextPageToken: string }> {
  const { items, nextPageToken } = await listResources(deps, request, {
    table: listedSnapshots,
    rows: async (db, query) => (await snapshotPage(db, query).execute()).map(toSnapshot),
  });
  return { snapshots: items, nextPageToken };
}

export function snapshotPage(db: Queryable, query: PageQuery) {
  return cutToPage(db.selectFrom('snapshots').selectAll('snapshots'), listedSnapshots, query);
}
