import type { Database } from '../db/database.ts';
import { foreignPageToken, notFound } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import { findCloud } from './cloud-rows.ts';
import type { Folder } from './folder.ts';
import { listFolderRows } from './folder-rows.ts';
import { namesInFilter } from './name-filter.ts';

export interface ListFolders {
  readonly cloudId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
  readonly filter: string;
}

/** The folders of a cloud, by id. Throws NOT_FOUND for the cloud, INVALID_ARGUMENT for a filter or page token. */
export async function listFolders(
  { db }: { readonly db: Database },
  { cloudId, pageSize, pageToken, filter }: ListFolders,
): Promise<{ folders: readonly Folder[]; nextPageToken: string }> {
  const names = namesInFilter(filter);
  const asked = ['folders', cloudId, filter];
  const after = readPageToken(asked, pageToken, foreignPageToken);
  if ((await findCloud(db.read, cloudId)) === undefined) throw notFound('Cloud', cloudId);
  const limit = pageLimit(pageSize);
  const rows = await listFolderRows(db.read, { cloudId, names, after: after?.id, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, ({ id }) => ({ key: '', id }));
  return { folders: page.items, nextPageToken: page.nextPageToken };
}
