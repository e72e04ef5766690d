import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { operationOn } from '../resources/operation-on.ts';
import { updateSnapshotKind } from './operation-names.ts';
import type { Snapshot } from './snapshot.ts';
import { snapshotToJson } from './snapshot-json.ts';
import { claimSnapshotName, lockSnapshot, replaceSnapshot } from './snapshot-rows.ts';

/** What may change of a snapshot. What is not here stays. */
export interface SnapshotChange {
  readonly name?: string;
  readonly description?: string;
  /** All of them. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ChangeSnapshot {
  readonly snapshotId: string;
  readonly change: SnapshotChange;
  /** Looks at the snapshot in the transaction of the change, and throws when it is not as the caller believed it to be. */
  readonly check?: (snapshot: Snapshot) => void;
}

/**
 * Changes what may change of a snapshot, whatever its status, at once. The operation's input says which fields were asked
 * for, as `changed`. Throws NOT_FOUND, what `check` throws, and ALREADY_EXISTS for the name.
 */
export async function changeSnapshot(
  deps: { readonly db: Database },
  { snapshotId, change, check }: ChangeSnapshot,
  caller: Caller,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    const snapshot = await lockSnapshot(tx, snapshotId);
    if (snapshot === undefined) throw notFound('Snapshot', snapshotId);
    check?.(snapshot);
    const changed: Snapshot = { ...snapshot, ...change };
    await claimSnapshotName(tx, changed, () => replaceSnapshot(tx, changed));
    return insertFinishedOperation(tx, {
      kind: updateSnapshotKind,
      ...operationOn(changed),
      description: 'Update snapshot',
      createdBy: caller.subjectId,
      input: { changed: Object.keys(change) },
      result: snapshotToJson(changed),
    });
  });
}
