import type { Transaction } from '../db/database.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import { addVolumeReference, findVolume, removeVolumeReference } from '../volumes/volume-rows.ts';
import type { Disk } from './disk.ts';
import { findDiskPlace, lockDisk, replaceDisk } from './disk-rows.ts';

/**
 * Makes a volume the disk's base: the content that the disk had, at some moment since its base was `disk.base`. Says
 * whether it is now: not when the disk or the volume is gone, or the base is another one by now.
 */
export async function rebaseDisk(
  tx: Transaction,
  { id, base }: Disk,
  volume: HeldVolume,
  nodeId: string,
): Promise<boolean> {
  const disk = await lockDisk(tx, id);
  if (disk === undefined || disk.base?.volumeId !== base?.volumeId) return false;
  // Of a node that was removed and does not know it yet: the overlay that the base is under is another one's by now.
  const place = await findDiskPlace(tx, id);
  if (place === undefined || ![nodeId, ''].includes(place.nodeId)) return false;
  if ((await findVolume(tx, volume.volumeId)) === undefined) return false;
  await replaceDisk(tx, { ...disk, base: volume });
  await removeVolumeReference(tx, id);
  await addVolumeReference(tx, id, volume.volumeId);
  return true;
}
