import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queryable } from '../db/database.ts';
import { findDisk } from './disk-rows.ts';

export interface SweepOverlays {
  readonly db: Queryable;
  /** Of the overlays: a folder for each disk. */
  readonly directory: string;
  /** How long an overlay is kept once it was found to have no disk, in milliseconds. */
  readonly keepMs: number;
  readonly now: number;
  readonly overlays: KeptOverlays;
}

/** What is known of overlays without disks. */
export interface KeptOverlays {
  /** When it was found to have none; undefined for one that was not. Milliseconds since 1970. */
  withoutDiskSince(diskId: string): Promise<number | undefined>;
  /** It has one, after all. */
  forgetWithoutDisk(diskId: string): Promise<void>;
  /** It has none, from now on; for one that is used still, as soon as it is not. */
  discard(diskId: string): Promise<void>;
  remove(diskId: string): Promise<void>;
}

/**
 * Discards overlays whose disks are no more, and removes those that were discarded long enough ago: metadata out of a backup
 * may know a disk that was deleted since, or not know one that was made since, and their only bytes are here.
 */
export async function sweepOverlays({ db, directory, keepMs, now, overlays }: SweepOverlays): Promise<void> {
  for (const diskId of await readdir(directory)) {
    const since = await overlays.withoutDiskSince(diskId);
    if ((await findDisk(db, diskId)) !== undefined) {
      if (since !== undefined) await overlays.forgetWithoutDisk(diskId);
    } else if (since === undefined) await overlays.discard(diskId);
    else if (since + keepMs <= now) await overlays.remove(diskId);
  }
}

/** The disks that something was ever written to here. */
export async function findOverlays(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => !name.endsWith(asideSuffix));
}

/** No disk has such an id, so that it is swept like what a deleted disk has left. */
const asideSuffix = '.lost';

/**
 * For a node that was given up for lost and has come back: its disks may be at other nodes by now, or be written here anew.
 * What they had here is never one of theirs again. Returns how many there were.
 */
export async function setOverlaysAside({
  directory,
  diskIds,
}: {
  readonly directory: string;
  readonly diskIds: readonly string[];
}): Promise<number> {
  for (const diskId of diskIds) {
    await rename(join(directory, diskId), join(directory, `${diskId}.${Date.now()}${asideSuffix}`));
  }
  return diskIds.length;
}
