import type { Database } from '../db/database.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';
import { getDisk } from './get-disk.ts';

export interface ListDiskOperations {
  readonly diskId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on a disk, newest first. Throws NOT_FOUND, also for a disk that is deleted. */
export async function listDiskOperations(
  deps: { readonly db: Database },
  { diskId, ...page }: ListDiskOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getDisk(deps, { diskId });
  return listOperations(deps, { resourceId: diskId, ...page });
}
