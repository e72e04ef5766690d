import type { Database } from '../db/database.ts';
import { foreignPageToken, notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { namesInFilter } from '../folders/name-filter.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import type { ServiceAccount } from './service-account.ts';
import { listAccountRows } from './service-account-rows.ts';

export interface ListServiceAccounts {
  readonly folderId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
  /** `name = "..."`, or '' for all. */
  readonly filter: string;
}

/** The service accounts of a folder, by id. Throws NOT_FOUND for the folder, INVALID_ARGUMENT for a filter or page token. */
export async function listServiceAccounts(
  { db }: { readonly db: Database },
  { folderId, pageSize, pageToken, filter }: ListServiceAccounts,
): Promise<{ serviceAccounts: readonly ServiceAccount[]; nextPageToken: string }> {
  const names = namesInFilter(filter);
  const asked = ['service_accounts', folderId, filter];
  const after = readPageToken(asked, pageToken, foreignPageToken);
  if ((await findFolder(db.read, folderId)) === undefined) throw notFound('Folder', folderId);
  const limit = pageLimit(pageSize);
  const rows = await listAccountRows(db.read, { folderId, names, after: after?.id, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, ({ id }) => ({ key: '', id }));
  return { serviceAccounts: page.items, nextPageToken: page.nextPageToken };
}
