import type { Transaction } from '../db/database.ts';
import type { ContentSource } from '../resources/content-source.ts';
import type { Disk } from './disk.ts';
import { lockDisk } from './disk-rows.ts';

/** A disk that a snapshot or an image is made from. Its volume is its base: what was written since is over that. */
export async function lockDiskSource(tx: Transaction, id: string): Promise<(Disk & ContentSource) | undefined> {
  const disk = await lockDisk(tx, id);
  return disk === undefined ? undefined : { ...disk, volume: disk.base, minSizeBytes: disk.sizeBytes };
}
