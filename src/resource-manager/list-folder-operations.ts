import type { Database } from '../db/database.ts';
import { getFolder } from '../folders/get-folder.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';

export interface ListFolderOperations {
  readonly folderId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on a folder itself, newest first. Throws NOT_FOUND, also for one that is deleted. */
export async function listFolderOperations(
  deps: { readonly db: Database },
  { folderId, ...page }: ListFolderOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getFolder(deps, { folderId });
  return listOperations(deps, { resourceId: folderId, ...page });
}
