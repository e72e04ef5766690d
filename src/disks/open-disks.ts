import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Mutex } from '../lib/mutex.ts';
import type { FrozenLayer } from '../overlays/frozen-layer.ts';
import { openOverlay } from '../overlays/open-overlay.ts';
import type { Overlay } from '../overlays/overlay.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import { openContent } from '../resources/open-content.ts';
import { createDeviceGuestReader } from '../volumes/device-guest-reader.ts';
import type { GuestReader } from '../volumes/guest-reader.ts';
import { segmentBytes } from '../volumes/manifest.ts';
import type { ReadCache } from '../volumes/read-cache.ts';
import type { Store } from '../volumes/store.ts';
import type { StoredDevice } from '../volumes/stored-device.ts';
import type { Disk } from './disk.ts';
import type { DiskContents, FrozenDisk } from './disk-contents.ts';
import { findDisk } from './disk-rows.ts';
import { rebaseDisk } from './rebase-disk.ts';

export interface OpenDisksOptions {
  readonly store: Store;
  readonly cache: ReadCache;
  /** Of the overlays: a folder for each disk that was ever opened. It exists. */
  readonly directory: string;
  /** What operations that are not over have frozen: it stays. */
  readonly frozen: readonly FrozenDisk[];
}

/** A disk that somebody uses. Dispose it to give it back: then what was written is durable. */
export interface DiskInUse extends AsyncDisposable {
  readonly device: Overlay;
}

/** What is under an overlay. */
interface DiskBase {
  readonly id: string;
  readonly sizeBytes: number;
  readonly volumeId: string | undefined;
}

/** What is open of one disk. */
interface OpenDisk {
  readonly overlay: Overlay;
  base: StoredDevice | undefined;
  users: number;
}

/**
 * The disks of this process that somebody reads, writes or freezes: each is opened once, whoever uses it.
 *
 * A frozen layer is held until its operation is over, and as long as one is held the disk's base stays what it is. When
 * the last is released, the newest content that was stored becomes the disk's base and its layers go: first in the disk's
 * row, then in the overlay. Between the two the layers lie over a base that has their content already, which reads the same.
 */
export class OpenDisks implements DiskContents, AsyncDisposable {
  readonly #store: Store;
  readonly #cache: ReadCache;
  readonly #directory: string;
  readonly #open = new Map<string, OpenDisk>();
  /** Opening, closing and changing the base of a disk take turns. */
  readonly #turns = new Map<string, Mutex>();
  /** By disk: the layers that operations need, by number. */
  readonly #held = new Map<string, Set<number>>();
  /** By disk: the newest layer whose content is stored while others are held, and as what. */
  readonly #stored = new Map<string, { readonly layer: number; readonly volume: HeldVolume }>();

  private constructor({ store, cache, directory, frozen }: OpenDisksOptions) {
    this.#store = store;
    this.#cache = cache;
    this.#directory = directory;
    for (const { diskId, frozenId } of frozen) this.#heldOf(diskId).add(layerOf(frozenId));
  }

  /** Also removes what deleted disks have left. */
  static async open(options: OpenDisksOptions): Promise<OpenDisks> {
    const disks = new OpenDisks(options);
    for (const diskId of await readdir(options.directory)) {
      if ((await findDisk(options.store.db.read, diskId)) === undefined) await disks.discard(diskId);
    }
    return disks;
  }

  /** Opens the disk for reading and writing, as large as its row says. Throws what its base and its overlay throw. */
  async use(disk: Disk): Promise<DiskInUse> {
    const { id, sizeBytes, base } = disk;
    const device = await this.#acquire({ id, sizeBytes, volumeId: base?.volumeId });
    let returned: Promise<void> | undefined;
    return {
      device,
      [Symbol.asyncDispose]: () => {
        returned ??= this.#giveBack(id);
        return returned;
      },
    };
  }

  async freeze(disk: Disk): Promise<string | undefined> {
    if (!existsSync(this.#path(disk.id))) return undefined;
    await using used = await this.use(disk);
    const layer = await used.device.freeze();
    this.#heldOf(disk.id).add(layer.number);
    const frozenId = `${disk.id}.${layer.number}`;
    try {
      await layer.settle();
    } catch (error) {
      await this.release(frozenId);
      throw error;
    }
    return frozenId;
  }

  async openFrozen({ diskId, sizeBytes, volumeId, frozenId }: FrozenDisk): Promise<GuestReader & AsyncDisposable> {
    const number = layerOf(frozenId);
    const disk = await findDisk(this.#store.db.read, diskId);
    // It may have grown since, or be deleted; its base is the same as long as the layer is held.
    const overlay = await this.#acquire({ id: diskId, sizeBytes: disk?.sizeBytes ?? sizeBytes, volumeId });
    try {
      const layer = overlay.frozenLayers().find((candidate) => candidate.number === number);
      if (layer === undefined) throw new Error(`disk ${diskId} has no frozen layer ${number}`);
      const layers = overlay.frozenLayers().filter((candidate) => candidate.number <= number);
      const base = this.#open.get(diskId)?.base;
      // What no layer has touched is as it is in the base.
      const keptSegment = async (index: number) =>
        layers.some((one) => isChanged(one, index)) ? undefined : await base?.keptSegment(index);
      const reader = createDeviceGuestReader(layer, sizeBytes, keptSegment);
      return { ...reader, [Symbol.asyncDispose]: () => this.#giveBack(diskId) };
    } catch (error) {
      await this.#giveBack(diskId);
      throw error;
    }
  }

  async release(frozenId: string, stored?: HeldVolume): Promise<void> {
    const diskId = diskOf(frozenId);
    const layer = layerOf(frozenId);
    if (stored !== undefined && (this.#stored.get(diskId)?.layer ?? 0) < layer) {
      this.#stored.set(diskId, { layer, volume: stored });
    }
    this.#heldOf(diskId).delete(layer);
    if (this.#heldOf(diskId).size > 0) return;
    this.#held.delete(diskId);
    const newest = this.#stored.get(diskId);
    this.#stored.delete(diskId);
    const disk = await findDisk(this.#store.db.read, diskId);
    if (disk === undefined) await this.discard(diskId);
    else if (newest !== undefined) await this.#rebase(disk, newest.layer, newest.volume);
  }

  async discard(diskId: string): Promise<void> {
    if (this.#held.has(diskId)) return; // goes with its last layer
    await this.#turn(diskId, async () => {
      if (!this.#open.has(diskId)) await rm(this.#path(diskId), { recursive: true, force: true });
    });
  }

  /** Makes everything durable and closes it, whoever uses it still. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(
      open.map(async ({ overlay, base }) => {
        await overlay[Symbol.asyncDispose]();
        await base?.[Symbol.asyncDispose]();
      }),
    );
  }

  async #acquire(disk: DiskBase): Promise<Overlay> {
    return await this.#turn(disk.id, async () => {
      const open = this.#open.get(disk.id) ?? (await this.#openOverlay(disk));
      this.#open.set(disk.id, open);
      if (open.overlay.sizeBytes < disk.sizeBytes) await open.overlay.resize(disk.sizeBytes);
      open.users += 1;
      return open.overlay;
    });
  }

  async #giveBack(diskId: string): Promise<void> {
    await this.#turn(diskId, async () => {
      const open = this.#open.get(diskId);
      if (open === undefined) return;
      open.users -= 1;
      if (open.users > 0) return;
      this.#open.delete(diskId);
      await open.overlay[Symbol.asyncDispose]();
      await open.base?.[Symbol.asyncDispose]();
    });
  }

  async #openOverlay({ id, sizeBytes, volumeId }: DiskBase): Promise<OpenDisk> {
    const base = await this.#openBase(id, volumeId);
    try {
      const overlay = await openOverlay({
        directory: this.#path(id),
        sizeBytes,
        base,
        whenMissing: 'create',
        onProblem: (error) => this.#store.log.error({ err: error, diskId: id }, 'a disk has a problem'),
      });
      return { overlay, base, users: 0 };
    } catch (error) {
      await base?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #openBase(diskId: string, volumeId: string | undefined): Promise<StoredDevice | undefined> {
    if (volumeId === undefined) return undefined;
    return this.#cache.wrap(await openContent(this.#store, { noun: 'Disk', id: diskId, volumeId }), volumeId);
  }

  /** Puts a stored content under the disk, in place of the layers that have it. */
  async #rebase(disk: Disk, layer: number, volume: HeldVolume): Promise<void> {
    await using used = await this.use(disk);
    const through = used.device.frozenLayers().find(({ number }) => number === layer);
    if (through === undefined) return;
    await this.#turn(disk.id, async () => {
      const open = this.#open.get(disk.id);
      const isNow = await this.#store.db.transact((tx) => rebaseDisk(tx, disk, volume));
      if (open === undefined || !isNow) return;
      const before = open.base;
      open.base = await this.#openBase(disk.id, volume.volumeId);
      await open.overlay.rebase(open.base, through);
      await before?.[Symbol.asyncDispose]();
    });
  }

  #turn<T>(diskId: string, work: () => Promise<T>): Promise<T> {
    const mutex = this.#turns.get(diskId) ?? new Mutex();
    this.#turns.set(diskId, mutex);
    return mutex.run(work);
  }

  #heldOf(diskId: string): Set<number> {
    const held = this.#held.get(diskId) ?? new Set();
    this.#held.set(diskId, held);
    return held;
  }

  #path(diskId: string): string {
    return join(this.#directory, diskId);
  }
}

/** Whether the layer says anything of the segment. */
function isChanged(layer: FrozenLayer, index: number): boolean {
  const start = index * segmentBytes;
  const length = Math.min(segmentBytes, layer.sizeBytes - start);
  return length > 0 && Iterator.from(layer.changes(start, length)).some(({ kind }) => kind !== 'absent');
}

/** A frozen layer's name: the disk's id and the layer's number. */
function diskOf(frozenId: string): string {
  return frozenId.slice(0, frozenId.lastIndexOf('.'));
}

function layerOf(frozenId: string): number {
  return Number(frozenId.slice(frozenId.lastIndexOf('.') + 1));
}
