import { type AccessDeps, isAllowed } from '../access/authorize.ts';
import type { Subject } from '../access/subject.ts';
import { foreignPageToken, notFound, permissionDenied } from '../errors.ts';
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

/**
 * The folders of a cloud, by id: those that the subject may see. Throws PERMISSION_DENIED when it may see none, nor the cloud,
 * whether there is one or not; NOT_FOUND for the cloud to who may see them all; INVALID_ARGUMENT for a filter or page token.
 */
export async function listFolders(
  deps: AccessDeps,
  { cloudId, pageSize, pageToken, filter }: ListFolders,
  subject: Subject,
): Promise<{ folders: readonly Folder[]; nextPageToken: string }> {
  const names = namesInFilter(filter);
  const asked = ['folders', cloudId, filter];
  const after = readPageToken(asked, pageToken, foreignPageToken);
  const { read } = deps.db;
  const seesAll = await isAllowed(deps, subject, 'resource-manager.folders.get', { cloudId });
  const visibleTo = seesAll ? undefined : subject;
  if (seesAll) {
    if ((await findCloud(read, cloudId)) === undefined) throw notFound('Cloud', cloudId);
  } else {
    const [any] = await listFolderRows(read, { cloudId, names: undefined, visibleTo, after: undefined, limit: 1 });
    const mayStay = any !== undefined || (await isAllowed(deps, subject, 'resource-manager.clouds.get', { cloudId }));
    if (!mayStay) throw permissionDenied(`Permission denied to resource-manager.cloud ${cloudId}`);
  }
  const limit = pageLimit(pageSize);
  const rows = await listFolderRows(read, { cloudId, names, visibleTo, after: after?.id, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, ({ id }) => ({ key: '', id }));
  return { folders: page.items, nextPageToken: page.nextPageToken };
}
