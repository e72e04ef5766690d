import type { Database } from '../db/database.ts';
import { findByReference } from '../resources/find-by-reference.ts';
import type { Snapshot } from './snapshot.ts';
import { findSnapshot, findSnapshotByName, findSnapshotByNumber } from './snapshot-rows.ts';

/** The snapshot that a client calls so: see find-by-reference.ts. */
export function findSnapshotInFolder(
  { db }: { readonly db: Database },
  { folderId, reference }: { readonly folderId: string; readonly reference: string },
): Promise<Snapshot | undefined> {
  return findByReference(folderId, reference, {
    byNumber: (number) => findSnapshotByNumber(db.read, { folderId, number }),
    byName: (name) => findSnapshotByName(db.read, { folderId, name }),
    byId: (id) => findSnapshot(db.read, id),
  });
}
