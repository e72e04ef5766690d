import type { Database } from '../db/database.ts';
import { findByReference } from '../resources/find-by-reference.ts';
import type { Disk } from './disk.ts';
import { findDisk, findDiskByName, findDiskByNumber } from './disk-rows.ts';

export interface DiskReference {
  readonly folderId: string;
  readonly zoneId: string;
  readonly reference: string;
}

/** The disk that a client calls so: see find-by-reference.ts. One of another zone is none. */
export async function findDiskInZone(
  { db }: { readonly db: Database },
  { folderId, zoneId, reference }: DiskReference,
): Promise<Disk | undefined> {
  const disk = await findByReference(folderId, reference, {
    byNumber: (number) => findDiskByNumber(db.read, { folderId, number }),
    byName: (name) => findDiskByName(db.read, { folderId, name }),
    byId: (id) => findDisk(db.read, id),
  });
  return disk?.zoneId === zoneId ? disk : undefined;
}
