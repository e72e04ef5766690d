import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import { updateSnapshotKind } from './operation-names.ts';
import type { Snapshot } from './snapshot.ts';
import { snapshotToJson } from './snapshot-json.ts';
import { claimSnapshotName, lockSnapshot, replaceSnapshot } from './snapshot-rows.ts';

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

/**
 * Changes what may change of a snapshot, whatever its status, at once. Throws NOT_FOUND, ALREADY_EXISTS for the name,
 * INVALID_ARGUMENT for a path of the mask.
 */
export async function updateSnapshot(
  deps: { readonly db: Database },
  request: UpdateSnapshot,
  caller: Caller,
): Promise<Operation> {
  const fields = maskedFields(request.paths, mutableFields);
  return startOnce(deps, caller, async (tx) => {
    const snapshot = await lockSnapshot(tx, request.snapshotId);
    if (snapshot === undefined) throw notFound('Snapshot', request.snapshotId);
    const updated: Snapshot = { ...snapshot, ...maskedNaming(fields, request) };
    await claimSnapshotName(tx, updated, () => replaceSnapshot(tx, updated));
    return insertFinishedOperation(tx, {
      kind: updateSnapshotKind,
      folderId: snapshot.folderId,
      resourceId: snapshot.id,
      description: 'Update snapshot',
      createdBy: caller.subjectId,
      result: snapshotToJson(updated),
    });
  });
}
