import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataLoss, notFound } from '../errors.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { openOverlay } from '../overlays/open-overlay.ts';
import { noBase, type Overlay, type OverlayBase } from '../overlays/overlay.ts';
import { BaseWrong } from '../overlays/overlay-failed.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import { openContent } from '../resources/open-content.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import type { Store } from '../volumes/store.ts';
import type { StoredDevice } from '../volumes/stored-device.ts';
import type { VolumeReads } from '../volumes/volume-reads.ts';
import { findVolumeOfContent } from '../volumes/volume-rows.ts';
import { findDisk, keepOverlay } from './disk-rows.ts';
import { rebaseDisk } from './rebase-disk.ts';

/** In an overlay's folder: it was found without its disk at the time that this says. */
const markName = 'without-disk';

export interface DiskFilesOptions {
  readonly store: Store;
  readonly cache: VolumeReads;
  /** Of the overlays: a folder for each disk that was ever opened. It exists. */
  readonly directory: string;
  /** The node that has the directory, and so the disks in it. */
  readonly nodeId: string;
}

/** What is under an overlay, and whether there is one. */
export interface DiskFacts {
  readonly id: string;
  readonly sizeBytes: number;
  readonly volumeId: string | undefined;
  readonly hasOverlay: boolean;
}

/** The two of them make a disk. Whoever opened them disposes them, the overlay first. */
export interface DiskParts {
  readonly overlay: Overlay;
  readonly base: StoredDevice | undefined;
}

/** Where disks have what was written to them: an overlay each, over a base that is in the store. */
export class DiskFiles {
  readonly #options: DiskFilesOptions;

  constructor(options: DiskFilesOptions) {
    this.#options = options;
  }

  has(diskId: string): boolean {
    return existsSync(this.#path(diskId));
  }

  async remove(diskId: string): Promise<void> {
    await rm(this.#path(diskId), { recursive: true, force: true });
  }

  /** When it was marked as without its disk, by `store.now`; undefined for what was not. */
  async withoutDiskSince(diskId: string): Promise<number | undefined> {
    const since = await readFileIfThere(this.#mark(diskId));
    return since ? Number(since) : undefined;
  }

  /** A full disk is no reason to fail: then it begins to count the next time. */
  async markWithoutDisk(diskId: string): Promise<void> {
    if (!this.has(diskId) || (await this.withoutDiskSince(diskId)) !== undefined) return;
    await writeFile(this.#mark(diskId), `${this.#options.store.now()}`).catch(() => {});
  }

  async unmarkWithoutDisk(diskId: string): Promise<void> {
    await rm(this.#mark(diskId), { force: true });
  }

  /**
   * Opens a disk that is not open. A disk whose overlay is gone is refused, and so is one whose overlay was written over
   * another base than the row names: metadata out of a backup may be older than the disk's last snapshot, which became
   * its base. Where the store has that base still, the disk gets it back; else it is DATA_LOSS, and never a mixture of both.
   */
  async open(disk: DiskFacts): Promise<DiskParts> {
    try {
      return await this.#openOver(disk);
    } catch (error) {
      if (!(error instanceof BaseWrong)) throw error;
      return await this.#openOver({ ...disk, volumeId: await this.#takeBackBase(disk, error) });
    }
  }

  async openBase(diskId: string, volumeId: string | undefined): Promise<StoredDevice | undefined> {
    if (volumeId === undefined) return undefined;
    const { store, cache } = this.#options;
    return cache.wrap(await openContent(store, { noun: 'Disk', id: diskId, volumeId }), volumeId);
  }

  async #openOver({ id, sizeBytes, volumeId, hasOverlay }: DiskFacts): Promise<DiskParts> {
    const { store, nodeId } = this.#options;
    await using opening = new AsyncDisposableStack();
    const base = await this.openBase(id, volumeId);
    if (base !== undefined) opening.use(base);
    const overlay = opening.use(
      await openOverlay({
        directory: this.#path(id),
        sizeBytes,
        base: overlayBaseOf(base),
        whenMissing: hasOverlay ? 'refuse' : 'create',
        onProblem: (error) => store.log.error({ err: error, diskId: id }, 'a disk has a problem'),
      }),
    );
    // Before anything is written: from now on it must be there.
    if (!hasOverlay && !(await store.db.transact((tx) => keepOverlay(tx, id, nodeId)))) throw notFound('Disk', id);
    opening.move();
    return { overlay, base };
  }

  /** The id of the volume that the disk's overlay was written over, which is its row's from now on. */
  async #takeBackBase({ id }: DiskFacts, wrong: BaseWrong): Promise<string> {
    const { nodeId, store } = this.#options;
    const { db, log } = store;
    const taken = await db.transact(async (tx): Promise<HeldVolume | undefined> => {
      const disk = await findDisk(tx, id);
      if (disk === undefined) return undefined;
      for (const contentId of wrong.baseIds.toReversed()) {
        const volume = await findVolumeOfContent(tx, contentId);
        if (volume === undefined) continue;
        const { sizeBytes, guestDigest } = volume;
        const base = { volumeId: volume.id, sizeBytes, guestDigest: hexOf(guestDigest) };
        if (await rebaseDisk(tx, disk, base, nodeId)) return base;
      }
      return undefined;
    });
    if (taken === undefined) {
      const fact = `Disk "${id}" was written over content that the metadata does not know, as metadata out of an older backup`;
      throw dataLoss(`${fact}. Restore newer metadata, or run obraz fsck --rebuild, which finds the content.`, wrong);
    }
    log.warn({ err: wrong, diskId: id, volumeId: taken.volumeId }, 'a disk got back the base that it was written over');
    return taken.volumeId;
  }

  #path(diskId: string): string {
    return join(this.#options.directory, diskId);
  }

  #mark(diskId: string): string {
    return join(this.#path(diskId), markName);
  }
}

export function overlayBaseOf(base: StoredDevice | undefined): OverlayBase {
  return base === undefined ? noBase : { device: base, id: base.contentId };
}
