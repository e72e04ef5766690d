import type { Database } from '../db/database.ts';
import { getCloud } from '../folders/get-cloud.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';

export interface ListCloudOperations {
  readonly cloudId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on a cloud itself, newest first. Throws NOT_FOUND, also for one that is deleted. */
export async function listCloudOperations(
  deps: { readonly db: Database },
  { cloudId, ...page }: ListCloudOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getCloud(deps, { cloudId });
  return listOperations(deps, { resourceId: cloudId, ...page });
}
