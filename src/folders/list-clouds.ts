import type { Subject } from '../access/subject.ts';
import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import { listCloudRows } from './cloud-rows.ts';
import type { Cloud } from './folder.ts';
import { namesInFilter } from './name-filter.ts';

export interface ListClouds {
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
  readonly filter: string;
  /** '' for all. */
  readonly organizationId: string;
}

/** The clouds that the subject may see by a role of its own, or all, by id. Throws INVALID_ARGUMENT for a filter or page token. */
export async function listClouds(
  { db }: { readonly db: Database },
  { pageSize, pageToken, filter, organizationId }: ListClouds,
  visibleTo: Subject | undefined,
): Promise<{ clouds: readonly Cloud[]; nextPageToken: string }> {
  const names = namesInFilter(filter);
  const asked = ['clouds', filter, organizationId];
  const after = readPageToken(asked, pageToken, foreignPageToken);
  const limit = pageLimit(pageSize);
  const rows = await listCloudRows(db.read, {
    names,
    organizationId,
    visibleTo,
    after: after?.id,
    limit: limit + 1,
  });
  const page = cutPage(rows, limit, asked, ({ id }) => ({ key: '', id }));
  return { clouds: page.items, nextPageToken: page.nextPageToken };
}
