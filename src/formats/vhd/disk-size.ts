import { sectorBytes } from '../guest-size.ts';
import type { VhdFooter } from './footer.ts';

/**
 * Programs whose disks are as large as their geometry says: Virtual PC, and QEMU before it called itself `qem2`. All
 * others mean the current size: `win ` (Hyper-V), `wa` (Azure), `d2v ` (Disk2vhd), `tap` (XenServer), `CTXS`
 * (XenConverter), `vbox` (VirtualBox), `qem2` (QEMU with force_size).
 *
 * Source: vpc_ignore_current_size() in QEMU's block/vpc.c, from version 10.0 on; its test 146 shows each. Versions before
 * knew the others by name and took the geometry of the rest (`vbox`, `wa`), which cuts off the end of those disks.
 */
const sizedByGeometry = ['vpc ', 'qemu'];

/** The largest geometry there is, 127 GiB, says no more than "at least so large": then the current size counts. */
const largestGeometrySectors = 65_535 * 16 * 255;

/** How large the disk is, and by which of the two numbers in its footer. */
export interface VhdSize {
  /** What the guest has, in bytes. */
  readonly bytes: bigint;
  readonly from: 'geometry' | 'current-size';
  readonly geometryBytes: number;
}

export function sizeOf(footer: VhdFooter): VhdSize {
  const sectors = footer.cylinders * footer.heads * footer.sectorsPerTrack;
  const geometryBytes = sectors * sectorBytes;
  return sizedByGeometry.includes(footer.creator) && sectors !== largestGeometrySectors
    ? { bytes: BigInt(geometryBytes), from: 'geometry', geometryBytes }
    : { bytes: footer.currentSize, from: 'current-size', geometryBytes };
}
