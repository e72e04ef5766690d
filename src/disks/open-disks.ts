import { failedPrecondition, notFound, unavailable } from '../errors.ts';
import { Mutex } from '../lib/mutex.ts';
import type { FrozenLayer } from '../overlays/frozen-layer.ts';
import { frozenLayersMax, type Overlay, type OverlayUsage, TooManyFrozenLayers } from '../overlays/overlay.ts';
import { OverlayFailed } from '../overlays/overlay-failed.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import { createDeviceGuestReader } from '../volumes/device-guest-reader.ts';
import type { GuestReader } from '../volumes/guest-reader.ts';
import { segmentBytes } from '../volumes/manifest.ts';
import type { Store } from '../volumes/store.ts';
import type { StoredDevice } from '../volumes/stored-device.ts';
import type { Disk } from './disk.ts';
import type { DiskContents, FrozenDisk } from './disk-contents.ts';
import { type DiskFacts, DiskFiles, type DiskFilesOptions, overlayBaseOf } from './disk-files.ts';
import { findDisk, findDiskPlace } from './disk-rows.ts';
import { rebaseDisk } from './rebase-disk.ts';
import { type KeptOverlays, sweepOverlays } from './sweep-overlays.ts';

export interface OpenDisksOptions extends DiskFilesOptions {
  /** What operations that are not over have frozen: it stays. */
  readonly frozen: readonly FrozenDisk[];
  /** How long the overlay of a disk is kept that was deleted, or that the metadata does not know; 0 for not at all. */
  readonly keepDeletedMs: number;
}

/** A disk that somebody uses. Dispose it to give it back: then what was written is durable, or it throws. */
export interface DiskInUse extends AsyncDisposable {
  readonly device: Overlay;
}

/** What is open now; sizes as in OverlayUsage, of all open disks together. */
export interface OpenDisksFigures extends OverlayUsage {
  readonly openDisks: number;
}

/** Much longer than from freezing a disk to the commit of the operation that stores it. */
const forgottenMs = 600_000;

/** What is open of one disk. */
interface OpenDisk {
  readonly overlay: Overlay;
  base: StoredDevice | undefined;
  users: number;
}

/**
 * The disks of this process that somebody reads, writes or freezes: each is opened once, whoever uses it.
 *
 * A disk that was ever opened has an overlay, and its row says so before anything can be written: when the overlay is
 * gone the disk can't be opened any more, and never reads as its base.
 *
 * A frozen layer is held until its operation is over, and as long as one is held the disk's base stays what it is. When
 * the last is released, the newest content that was stored becomes the disk's base and its layers go: first in the disk's
 * row, then in the overlay. Between the two the layers lie over a base that has their content already, which reads the same.
 *
 * Opening, closing, freezing and changing the base of a disk take turns, and each finds in its turn what the row says: a row
 * that was read before may name a base whose layers are gone by now.
 */
export class OpenDisks implements Omit<DiskContents, 'freeze' | 'release'>, AsyncDisposable {
  readonly #store: Store;
  readonly #options: OpenDisksOptions;
  readonly #files: DiskFiles;
  readonly #open = new Map<string, OpenDisk>();
  readonly #turns = new Map<string, Mutex>();
  /** By disk: the layers that operations need, by number, and since when they are held by `performance.now`. */
  readonly #held = new Map<string, Map<number, number>>();
  /** By disk: the newest layer whose content is stored and not yet the disk's base, and as what. */
  readonly #stored = new Map<string, { readonly layer: number; readonly volume: HeldVolume }>();
  /** Deleted while somebody had them open. */
  readonly #discarded = new Set<string>();
  #isClosed = false;

  private constructor(options: OpenDisksOptions) {
    this.#store = options.store;
    this.#options = options;
    this.#files = new DiskFiles(options);
    for (const { diskId, frozenId } of options.frozen) this.#hold(diskId, layerOf(frozenId));
  }

  static async open(options: OpenDisksOptions): Promise<OpenDisks> {
    const disks = new OpenDisks(options);
    await disks.sweep();
    return disks;
  }

  /** Discards what disks have left that were deleted elsewhere, and removes what was discarded long enough ago. */
  async sweep(): Promise<void> {
    const { store, directory, keepDeletedMs: keepMs } = this.#options;
    const overlays: KeptOverlays = {
      withoutDiskSince: (diskId) => this.#files.withoutDiskSince(diskId),
      forgetWithoutDisk: (diskId) => this.#files.unmarkWithoutDisk(diskId),
      discard: (diskId) => this.discard(diskId),
      remove: (diskId) =>
        this.#turn(diskId, async () => {
          if (!this.#held.has(diskId) && !this.#open.has(diskId)) await this.#files.remove(diskId);
        }),
    };
    await sweepOverlays({ db: store.db.read, directory, keepMs, now: store.now(), overlays });
  }

  figures(): OpenDisksFigures {
    const usages = [...this.#open.values()].map(({ overlay }) => overlay.usage());
    const sum = (of: keyof OverlayUsage) => usages.reduce((total, usage) => total + usage[of], 0);
    return {
      openDisks: usages.length,
      storedBytes: sum('storedBytes'),
      liveBytes: sum('liveBytes'),
      indexMemoryBytes: sum('indexMemoryBytes'),
      logFiles: sum('logFiles'),
      frozenLayers: sum('frozenLayers'),
    };
  }

  /**
   * Opens the disk for reading and writing, as large as its row says. Throws NOT_FOUND when it is deleted, and what its base
   * and its overlay throw.
   */
  async use({ id }: Pick<Disk, 'id'>): Promise<DiskInUse> {
    const { overlay } = await this.#acquire(id);
    let returned: Promise<void> | undefined;
    return {
      device: overlay,
      [Symbol.asyncDispose]: () => {
        returned ??= this.#flushAndGiveBack(id, overlay);
        return returned;
      },
    };
  }

  /** As DiskContents, of a disk that is here. Returns the name of what was frozen. */
  async freeze({ id }: Pick<Disk, 'id'>): Promise<string | undefined> {
    const place = await findDiskPlace(this.#store.db.read, id);
    if (place?.hasOverlay !== true && !this.#files.has(id)) return undefined;
    const { overlay } = await this.#acquire(id);
    try {
      const layer = await this.#turn(id, async () => {
        const frozen = await freezeOrRefuse(id, overlay);
        this.#hold(id, frozen.number);
        return frozen;
      });
      const frozenId = `${id}.${layer.number}`;
      try {
        await layer.settle();
      } catch (error) {
        await this.release(frozenId);
        throw error;
      }
      return frozenId;
    } finally {
      await this.#giveBack(id);
    }
  }

  async openFrozen(frozen: FrozenDisk): Promise<GuestReader & AsyncDisposable> {
    const { diskId, sizeBytes, frozenId } = frozen;
    const number = layerOf(frozenId);
    const { overlay, base } = await this.#acquire(diskId, frozen);
    try {
      const layer = overlay.frozenLayers().find((candidate) => candidate.number === number);
      if (layer === undefined) throw new Error(`disk ${diskId} has no frozen layer ${number}`);
      // What no layer has touched is as it is in the base. Which layers there are changes: one may become one with the next.
      const isTouched = (first: number, count: number) =>
        overlay.frozenLayers().some((one) => one.number <= number && isChanged(one, first, count));
      const over = base && { device: base, isChanged: isTouched };
      const reader = createDeviceGuestReader(layer, sizeBytes, over);
      return { ...reader, [Symbol.asyncDispose]: () => this.#giveBack(diskId) };
    } catch (error) {
      await this.#giveBack(diskId);
      throw error;
    }
  }

  /** As DiskContents, of what was frozen here. */
  async release(frozenId: string, stored?: HeldVolume): Promise<void> {
    const diskId = diskOf(frozenId);
    const layer = layerOf(frozenId);
    if (stored !== undefined && (this.#stored.get(diskId)?.layer ?? 0) < layer) {
      this.#stored.set(diskId, { layer, volume: stored });
    }
    const held = this.#held.get(diskId);
    held?.delete(layer);
    if (held?.size === 0) this.#held.delete(diskId);
    if ((await findDisk(this.#store.db.read, diskId)) === undefined) return await this.discard(diskId);
    if (!this.#held.has(diskId) && this.#stored.has(diskId)) await this.#rebase(diskId);
    await this.#turn(diskId, () => this.#mergeUnheld(diskId));
  }

  /**
   * Releases what has been frozen for long and no operation needs: whoever was to say so was another process, and has died.
   * @param findNeeded what operations that are not over have frozen; asked for only when something was frozen for long
   */
  async releaseForgotten(findNeeded: () => Promise<readonly FrozenDisk[]>): Promise<void> {
    const before = performance.now() - forgottenMs;
    const held = [...this.#held].flatMap(([diskId, layers]) =>
      [...layers].filter(([, since]) => since < before).map(([layer]) => `${diskId}.${layer}`),
    );
    if (held.length === 0) return;
    const needed = new Set((await findNeeded()).map(({ frozenId }) => frozenId));
    for (const frozenId of held) if (!needed.has(frozenId)) await this.release(frozenId);
  }

  async discard(diskId: string): Promise<void> {
    await this.#turn(diskId, async () => {
      if (this.#held.has(diskId)) return; // goes with its last layer
      this.#stored.delete(diskId);
      if (this.#open.has(diskId)) this.#discarded.add(diskId);
      else await this.#leave(diskId);
    });
  }

  /** Makes everything durable and closes it, whoever uses it still. Nothing can be opened afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const closing = [...this.#turns.keys()].map((diskId) => this.#turn(diskId, () => this.#close(diskId)));
    for (const result of await Promise.allSettled(closing)) if (result.status === 'rejected') throw result.reason;
  }

  /** @param frozen of a disk that may be deleted: its base is the same as long as this is held */
  async #acquire(diskId: string, frozen?: FrozenDisk): Promise<OpenDisk> {
    return await this.#turn(diskId, async () => {
      if (this.#isClosed) throw new OverlayFailed('EIO', 'disks are being closed');
      const disk = await this.#find(diskId, frozen);
      const isOpen = this.#open.has(diskId);
      const open = this.#open.get(diskId) ?? { ...(await this.#files.open(disk)), users: 0 };
      this.#open.set(diskId, open);
      if (!isOpen) await this.#mergeUnheld(diskId); // what was released and not merged before the last process ended
      try {
        if (open.overlay.sizeBytes < disk.sizeBytes) await open.overlay.resize(disk.sizeBytes);
      } catch (error) {
        if (open.users === 0) await this.#close(diskId);
        throw error;
      }
      open.users += 1;
      return open;
    });
  }

  async #find(diskId: string, frozen: FrozenDisk | undefined): Promise<DiskFacts> {
    const { read } = this.#store.db;
    const disk = await findDisk(read, diskId);
    if (disk !== undefined) {
      const { id, sizeBytes, base } = disk;
      const place = await findDiskPlace(read, id);
      this.#assertHere(id, place?.nodeId ?? '');
      return { id, sizeBytes, volumeId: base?.volumeId, hasOverlay: place?.hasOverlay === true };
    }
    if (frozen === undefined) throw notFound('Disk', diskId);
    return { id: diskId, sizeBytes: frozen.sizeBytes, volumeId: frozen.volumeId, hasOverlay: true };
  }

  /** A disk is opened at one node, whatever is left of it at another. Throws UNAVAILABLE. */
  #assertHere(diskId: string, placeId: string): void {
    const { nodeId } = this.#options;
    if (placeId === nodeId || placeId === '') return;
    throw unavailable(`Disk "${diskId}" is at node "${placeId}", not at node "${nodeId}": attach it anew`);
  }

  /** For one who wrote: others may have the disk open for long. */
  async #flushAndGiveBack(diskId: string, overlay: Overlay): Promise<void> {
    try {
      if ((this.#open.get(diskId)?.users ?? 0) > 1) await overlay.flush();
    } finally {
      await this.#giveBack(diskId);
    }
  }

  async #giveBack(diskId: string): Promise<void> {
    await this.#turn(diskId, async () => {
      const open = this.#open.get(diskId);
      if (open === undefined) return;
      open.users -= 1;
      if (open.users === 0) await this.#close(diskId);
    });
  }

  /** In the disk's turn. */
  async #close(diskId: string): Promise<void> {
    const open = this.#open.get(diskId);
    this.#open.delete(diskId);
    try {
      await open?.overlay[Symbol.asyncDispose]();
    } finally {
      await open?.base?.[Symbol.asyncDispose]();
      if (this.#discarded.has(diskId) && !this.#held.has(diskId)) await this.#leave(diskId);
    }
  }

  /** Keeps it for as long as deleted bytes are kept: metadata out of a backup may still know the disk. */
  async #leave(diskId: string): Promise<void> {
    if (this.#options.keepDeletedMs === 0) await this.#files.remove(diskId);
    else await this.#files.markWithoutDisk(diskId);
    this.#discarded.delete(diskId);
  }

  /**
   * In the disk's turn: frees the places of layers whose operations failed, or ended when nobody could put what they stored
   * under the disk. There are only so many. Those below the newest stored one go with it when nothing is held any more; where
   * somebody freezes again and again, so that there is no such moment, they become one with it when they are many.
   */
  async #mergeUnheld(diskId: string): Promise<void> {
    const overlay = this.#open.get(diskId)?.overlay;
    const awaited = this.#stored.get(diskId)?.layer ?? 0;
    const layers = overlay?.frozenLayers() ?? [];
    const areMany = layers.length > frozenLayersMax / 2;
    try {
      for (const layer of layers) {
        const isHeld = this.#held.get(diskId)?.has(layer.number) === true;
        const isOver = layer.number > awaited || (areMany && layer.number < awaited);
        if (!isHeld && isOver) await overlay?.merge(layer);
      }
    } catch (error) {
      this.#store.log.warn({ err: error, diskId }, 'a frozen layer of a disk stays until it is opened again');
    }
  }

  /**
   * Puts the newest stored content under the disk, in place of the layers that have it, unless layers are held again. Who
   * freezes meanwhile waits for the swap alone, and for no file: what is slow is done before it and behind it.
   */
  async #rebase(diskId: string): Promise<void> {
    const volume = this.#stored.get(diskId)?.volume;
    if (volume === undefined) return;
    const { overlay } = await this.#acquire(diskId);
    try {
      // Opened first: once the row names it there is nothing that could still go wrong with it.
      await using opening = new AsyncDisposableStack();
      const next = await this.#files.openBase(diskId, volume.volumeId);
      if (next !== undefined) opening.use(next);
      await overlay.allowBase(overlayBaseOf(next).id);
      const swapped = await this.#turn(diskId, () => this.#swapBase(diskId, volume, next));
      if (swapped === undefined) return;
      opening.move();
      await swapped.before?.[Symbol.asyncDispose]();
      await overlay.settleRebase();
    } catch (error) {
      // Its layers are as good as the volume: they are merged like those of operations that failed.
      if (this.#stored.get(diskId)?.volume === volume) this.#stored.delete(diskId);
      throw error;
    } finally {
      await this.#giveBack(diskId);
    }
  }

  /** In the disk's turn. Says what was under the disk before; undefined when that stays. */
  async #swapBase(
    diskId: string,
    volume: HeldVolume,
    next: StoredDevice | undefined,
  ): Promise<{ readonly before: StoredDevice | undefined } | undefined> {
    const open = this.#open.get(diskId);
    const stored = this.#stored.get(diskId);
    // Somebody else puts what is newer.
    if (open === undefined || stored?.volume !== volume || this.#held.has(diskId)) return undefined;
    this.#stored.delete(diskId);
    const through = open.overlay.frozenLayers().find(({ number }) => number === stored.layer);
    const { db } = this.#store;
    const disk = await findDisk(db.read, diskId);
    if (through === undefined || disk === undefined) return undefined;
    if (!(await db.transact((tx) => rebaseDisk(tx, disk, volume, this.#options.nodeId)))) return undefined;
    const before = open.base;
    open.base = next;
    await open.overlay.swapBase(overlayBaseOf(next), through);
    return { before };
  }

  #turn<T>(diskId: string, work: () => Promise<T>): Promise<T> {
    const mutex = this.#turns.get(diskId) ?? new Mutex();
    this.#turns.set(diskId, mutex);
    return mutex.run(work);
  }

  #hold(diskId: string, layer: number): void {
    const held = this.#held.get(diskId) ?? new Map();
    this.#held.set(diskId, held.set(layer, performance.now()));
  }
}

/** Throws FAILED_PRECONDITION when as much as may be is frozen of the disk. */
async function freezeOrRefuse(diskId: string, overlay: Overlay): Promise<FrozenLayer> {
  try {
    return await overlay.freeze();
  } catch (error) {
    if (!(error instanceof TooManyFrozenLayers)) throw error;
    const fact = `${frozenLayersMax} snapshots and images of disk "${diskId}" are still being stored`;
    throw failedPrecondition('DISK_FROZEN_TOO_OFTEN', `${fact}; try again when one of them is READY`);
  }
}

/** Whether the layer says anything of these segments. */
function isChanged(layer: FrozenLayer, first: number, count: number): boolean {
  const start = first * segmentBytes;
  const length = Math.min(count * segmentBytes, layer.sizeBytes - start);
  return length > 0 && Iterator.from(layer.changes(start, length)).some(({ kind }) => kind !== 'absent');
}

/** A frozen layer's name: the disk's id and the layer's number. */
function diskOf(frozenId: string): string {
  return frozenId.slice(0, frozenId.lastIndexOf('.'));
}

function layerOf(frozenId: string): number {
  return Number(frozenId.slice(frozenId.lastIndexOf('.') + 1));
}
