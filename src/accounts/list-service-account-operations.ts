import type { Database } from '../db/database.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';
import { getServiceAccount } from './get-service-account.ts';

export interface ListServiceAccountOperations {
  readonly serviceAccountId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on a service account, newest first. Throws NOT_FOUND, also for one that is deleted. */
export async function listServiceAccountOperations(
  deps: { readonly db: Database },
  { serviceAccountId, ...page }: ListServiceAccountOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getServiceAccount(deps, { serviceAccountId });
  return listOperations(deps, { resourceId: serviceAccountId, ...page });
}
