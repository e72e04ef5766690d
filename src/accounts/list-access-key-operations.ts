import type { Database } from '../db/database.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';
import { getAccessKey } from './get-access-key.ts';

export interface ListAccessKeyOperations {
  readonly accessKeyId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on an access key, newest first; its creation is none. Throws NOT_FOUND, also for one that is deleted. */
export async function listAccessKeyOperations(
  deps: { readonly db: Database },
  { accessKeyId, ...page }: ListAccessKeyOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getAccessKey(deps, { accessKeyId });
  return listOperations(deps, { resourceId: accessKeyId, ...page });
}
