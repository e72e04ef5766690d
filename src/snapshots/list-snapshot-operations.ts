import type { Database } from '../db/database.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';
import { getSnapshot } from './get-snapshot.ts';

export interface ListSnapshotOperations {
  readonly snapshotId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on a snapshot, newest first. Throws NOT_FOUND, also for a snapshot that is deleted. */
export async function listSnapshotOperations(
  deps: { readonly db: Database },
  { snapshotId, ...page }: ListSnapshotOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getSnapshot(deps, { snapshotId });
  return listOperations(deps, { resourceId: snapshotId, ...page });
}
