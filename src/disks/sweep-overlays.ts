import { readdir, rm, stat, writeFile } from 'node:fs/promises';
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
  discard(diskId: string): Promise<void>;
}

/** In an overlay's folder: it was found without its disk when this was made. */
const markName = 'without-disk';

/**
 * Discards overlays whose disks are no more. A delete does that itself, so most of these are what one left that was interrupted;
 * but metadata out of an older backup knows no newer disks, and their only bytes are here. So they stay for a while.
 */
export async function sweepOverlays({ db, directory, keepMs, now, discard }: SweepOverlays): Promise<void> {
  for (const diskId of await readdir(directory)) {
    const mark = join(directory, diskId, markName);
    if ((await findDisk(db, diskId)) !== undefined) {
      await rm(mark, { force: true });
      continue;
    }
    const since = await stat(mark).catch(() => undefined);
    if (keepMs === 0 || (since !== undefined && since.mtimeMs + keepMs <= now)) await discard(diskId);
    // A full disk must not keep the service from starting: then it begins to count at the next start.
    else if (since === undefined) await writeFile(mark, '', { flag: 'a' }).catch(() => {});
  }
}
