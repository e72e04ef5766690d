import type { Database } from '../db/database.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';
import { getKey } from './get-key.ts';

export interface ListKeyOperations {
  readonly keyId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on a key, newest first; its creation is none. Throws NOT_FOUND, also for a key that is deleted. */
export async function listKeyOperations(
  deps: { readonly db: Database },
  { keyId, ...page }: ListKeyOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getKey(deps, { keyId });
  return listOperations(deps, { resourceId: keyId, ...page });
}
