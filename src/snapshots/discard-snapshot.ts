import { deleteAccessBindingsOf } from '../access/access-binding-rows.ts';
import type { Transaction } from '../db/database.ts';
import { removeVolumeReference } from '../volumes/volume-rows.ts';
import { deleteSnapshotRow } from './snapshot-rows.ts';

/**
 * Removes the snapshot from sight: its name is free, and its volume is garbage unless others need it. Undoes the rows of
 * a creation that failed or was cancelled, too. May be repeated.
 */
export async function discardSnapshot(tx: Transaction, snapshotId: string): Promise<void> {
  await removeVolumeReference(tx, snapshotId);
  await deleteAccessBindingsOf(tx, snapshotId);
  await deleteSnapshotRow(tx, snapshotId);
}
