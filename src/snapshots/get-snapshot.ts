import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { Snapshot } from './snapshot.ts';
import { findSnapshot } from './snapshot-rows.ts';

/** Throws NOT_FOUND. */
export async function getSnapshot(
  { db }: { readonly db: Database },
  { snapshotId }: { readonly snapshotId: string },
): Promise<Snapshot> {
  const snapshot = await findSnapshot(db.read, snapshotId);
  if (snapshot === undefined) throw notFound('Snapshot', snapshotId);
  return snapshot;
}
