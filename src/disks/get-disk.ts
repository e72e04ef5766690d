import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { Disk } from './disk.ts';
import { findDisk } from './disk-rows.ts';

/** Throws NOT_FOUND. */
export async function getDisk(
  { db }: { readonly db: Database },
  { diskId }: { readonly diskId: string },
): Promise<Disk> {
  const disk = await findDisk(db.read, diskId);
  if (disk === undefined) throw notFound('Disk', diskId);
  return disk;
}
