import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import type { Operation } from '../operations/operation.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import { changeSnapshot } from './change-snapshot.ts';

export interface UpdateSnapshot {
  readonly snapshotId: string;
  /** The mask, in the request's own (proto) names. Without one, or with an empty one, every field below is set. */
  readonly paths: readonly string[] | undefined;
  readonly name: string;
  readonly description: string;
  /** Replace the labels, all of them. */
  readonly labels: Readonly<Record<string, string>>;
}

const mutableFields = ['name', 'description', 'labels'] as const;

/** Changes what the mask names. Throws as changeSnapshot, and INVALID_ARGUMENT for a path of the mask. */
export async function updateSnapshot(
  deps: { readonly db: Database },
  request: UpdateSnapshot,
  caller: Caller,
): Promise<Operation> {
  const { snapshotId } = request;
  const fields = maskedFields(request.paths, mutableFields);
  return changeSnapshot(deps, { snapshotId, change: maskedNaming(fields, request) }, caller);
}
