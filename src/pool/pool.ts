import { rm, utimes } from 'node:fs/promises';
import { createPace } from '../lib/pace.ts';
import { type Repetition, repeat } from '../lib/repeat.ts';
import type { StoreLog } from '../volumes/store.ts';
import type { StoredDevice } from '../volumes/stored-device.ts';
import type { VolumeReads } from '../volumes/volume-reads.ts';
import { type PoolCandidate, planPool } from './plan-pool.ts';
import { PoolEntry } from './pool-entry.ts';
import type { PoolFile } from './pool-file.ts';
import { PoolFolder } from './pool-folder.ts';
import { assertRoom, type DiskRoom, limitOf, measureRoom } from './pool-room.ts';
import { createPooledDevice } from './pooled-device.ts';
import type { PooledVolume, PoolStatus } from './pooled-volume.ts';
import { countPoolFile, writePoolFile } from './write-pool-file.ts';

export interface PoolOptions {
  /** Of the pool alone: what is not its own is removed. It exists. */
  readonly directory: string;
  /** What the pool may take; undefined for a share of the file system. */
  readonly limitBytes: number | undefined;
  /** How volumes are read that are not in the pool. */
  readonly reads: VolumeReads;
  /** What is to be in the pool. */
  findPooled(): Promise<readonly PooledVolume[]>;
  openVolume(volumeId: string): Promise<StoredDevice>;
  readonly log: StoreLog;
  now(): number;
  readonly timing?: Partial<PoolTiming>;
  /** Of the file system that the directory is on. */
  readonly measure?: () => Promise<DiskRoom>;
}

export interface PoolTiming {
  /** How often it is looked at what should be in the pool. An image that becomes READY waits so long at most. */
  readonly everyMs: number;
  /** A file that was read or written is not evicted for so long: two volumes that are used in turn do not drive each other out. */
  readonly keepMs: number;
  /** Guest bytes that hydration reads in a second at most: others use the same disk and threads. */
  readonly bytesPerSecond: number;
}

export const poolTiming: PoolTiming = { everyMs: 2_000, keepMs: 600_000, bytesPerSecond: 200e6 };

const soonMs = 100;

/**
 * The content of pooled images on this machine's disk, plain and ready to read: a file for each volume, verified when it
 * is written and again on every read. It is only a copy: whatever is wrong with it, the store is read in its place.
 *
 * Files are written one at a time, in the background, and evicted when more recently used volumes need their room. Volumes
 * that nobody wants any more go when nobody reads them. All of that is found out again and again by holding what is there
 * against what should be: no call has to wait for it, and no crash leaves more than a file that the next start removes.
 */
export class Pool implements VolumeReads, AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #timing: PoolTiming;
  readonly #folder: PoolFolder;
  readonly #entries = new Map<string, PoolEntry>();
  /** By volume, also of volumes that are not in the pool. */
  readonly #readers = new Map<string, number>();
  /** Files that are being removed. */
  #removal: Promise<unknown> = Promise.resolve();
  #hydration: { readonly entry: PoolEntry; readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #loop: Repetition | undefined;
  /** Whether the last round failed: what fails every two seconds is said once. */
  #isFailing = false;

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#folder = new PoolFolder(options.directory, options.log);
    this.#timing = { ...poolTiming, ...options.timing };
  }

  /** Takes the files over that an earlier process has left whole, and removes the others. */
  static async open(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(options);
    await pool.#refresh();
    await pool.#adopt();
    pool.#loop = repeat({
      everyMs: pool.#timing.everyMs,
      soonMs,
      run: (signal) => pool.#run(signal),
      onError: (error) => pool.#noteFailure(error),
    });
    return pool;
  }

  /** What should be in the pool may have changed. */
  wake(): void {
    this.#loop?.wake();
  }

  wrap(device: StoredDevice, volumeId: string): StoredDevice {
    this.#readers.set(volumeId, (this.#readers.get(volumeId) ?? 0) + 1);
    return createPooledDevice({
      stored: this.#options.reads.wrap(device, volumeId),
      find: () => this.#entries.get(volumeId),
      now: () => this.#options.now(),
      onDamaged: (entry, file, error) => this.#dropDamaged(entry, file, error),
      onDisposed: () => {
        const left = (this.#readers.get(volumeId) ?? 1) - 1;
        if (left > 0) this.#readers.set(volumeId, left);
        else this.#readers.delete(volumeId);
        if (left === 0 && this.#entries.has(volumeId)) this.wake();
      },
    });
  }

  async status(): Promise<PoolStatus> {
    const all = [...this.#entries.values()];
    const entries = all.flatMap((entry) => (entry.volume === undefined ? [] : entry.status(entry.volume)));
    return { entries, limitBytes: await this.#limit(), storedBytes: this.#storedBytes() };
  }

  /** Ends what is under way. Volumes are read from the store from then on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop?.[Symbol.asyncDispose]();
    this.#hydration?.abort.abort(new Error('the service is stopping'));
    await this.#hydration?.done;
    await this.#removal;
    for (const { file, lastUsedAt } of this.#entries.values()) {
      if (file === undefined || lastUsedAt === undefined) continue;
      // For the next process, which evicts by it; without it, it goes by when the file was written.
      await utimes(file.path, lastUsedAt / 1000, lastUsedAt / 1000).catch(() => {});
    }
    for (const entry of this.#entries.values()) entry.file?.close();
    this.#entries.clear();
  }

  async #run(signal: AbortSignal): Promise<void> {
    await this.#refresh();
    await this.#removal; // or it could hit the file that comes next
    for (const entry of this.#entries.values()) {
      if (entry.volume === undefined) await this.#removeUnwanted(entry);
      else await this.#count(entry, signal);
    }
    const { evict, hydrate } = planPool(this.#candidates(), await this.#limit());
    for (const volumeId of evict) {
      const entry = this.#entries.get(volumeId);
      // Somebody may have come while others were removed.
      if (entry !== undefined && !this.#readers.has(volumeId)) await this.#removeFile(entry, entry.file);
    }
    const wanted = new Set(hydrate);
    for (const entry of this.#entries.values()) {
      entry.fits = wanted.has(entry.volumeId) || entry.file !== undefined || entry.isResting(this.#options.now());
    }
    const current = this.#hydration;
    if (current !== undefined && !wanted.has(current.entry.volumeId)) current.abort.abort(new Error('not wanted'));
    const next = this.#entries.get(hydrate[0] ?? '');
    if (current === undefined && next?.volume !== undefined) this.#startHydration(next, next.volume);
    this.#isFailing = false;
  }

  #noteFailure(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.log.error({ err: error }, 'looking after the pool failed; it is tried again until it succeeds');
  }

  /** Entries for all that is wanted, and the mark of those that are not. */
  async #refresh(): Promise<void> {
    const wanted = new Map((await this.#options.findPooled()).map((volume) => [volume.volumeId, volume]));
    for (const [volumeId, volume] of wanted) {
      const entry = this.#entries.get(volumeId);
      if (entry !== undefined) entry.volume = volume;
      // Before the first round it is not known what is new.
      else this.#entries.set(volumeId, new PoolEntry(volume, this.#loop ? this.#options.now() : volume.createdAt));
    }
    for (const entry of this.#entries.values()) if (!wanted.has(entry.volumeId)) entry.volume = undefined;
  }

  async #adopt(): Promise<void> {
    for await (const adopted of this.#folder.adopt((volumeId) => this.#entries.get(volumeId)?.volume)) {
      const entry = this.#entries.get(adopted.volumeId);
      if (entry === undefined) continue;
      entry.file = adopted.file;
      entry.rankedAt = adopted.lastUsedAt;
    }
  }

  /** How much the volume will take: its data, without its holes. */
  async #count(entry: PoolEntry, signal: AbortSignal): Promise<void> {
    const { openVolume, now } = this.#options;
    if (entry.file !== undefined || entry.dataBytes !== undefined || entry.isResting(now())) return;
    try {
      await using device = await openVolume(entry.volumeId);
      entry.dataBytes = await countPoolFile(device, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#fail(entry, error);
    }
  }

  #candidates(): PoolCandidate[] {
    const now = this.#options.now();
    return [...this.#entries.values()].flatMap((entry): PoolCandidate[] => {
      const { volumeId, rankedAt, file } = entry;
      // The same before and after it is written, or it could be too large for its own place.
      const bytes = entry.dataBytes ?? file?.storedBytes;
      if (bytes === undefined || (file === undefined && (entry.volume === undefined || entry.isResting(now))))
        return [];
      const isHeld = this.#readers.has(volumeId) || entry.isFreshSince(now - this.#timing.keepMs);
      return [{ volumeId, bytes, isReady: file !== undefined, isHeld, lastUsedAt: rankedAt }];
    });
  }

  #startHydration(entry: PoolEntry, volume: PooledVolume): void {
    const abort = new AbortController();
    entry.isHydrating = true;
    const done = this.#hydrate(entry, volume, abort.signal).finally(() => {
      entry.isHydrating = false;
      entry.writtenBytes = 0;
      this.#hydration = undefined;
      this.wake();
    });
    this.#hydration = { entry, abort, done };
  }

  /** Never throws. */
  async #hydrate(entry: PoolEntry, volume: PooledVolume, signal: AbortSignal): Promise<void> {
    const { openVolume, log } = this.#options;
    const { volumeId } = volume;
    const start = performance.now();
    try {
      {
        await using device = await openVolume(volumeId);
        await writePoolFile({
          device,
          path: this.#folder.pathOf(volumeId),
          pace: createPace(this.#timing.bytesPerSecond),
          signal,
          onSpan: async (bytes) => assertRoom(bytes, await this.#measure()),
          onWritten: (bytes) => {
            entry.writtenBytes += bytes;
          },
        });
      }
      entry.file = this.#folder.open(volume);
      entry.succeed(this.#options.now());
      const ms = Math.round(performance.now() - start);
      log.info({ volumeId, bytes: entry.file.storedBytes, ms }, 'a volume is in the pool');
    } catch (error) {
      if (!signal.aborted) this.#fail(entry, error);
    }
  }

  #fail(entry: PoolEntry, error: unknown): void {
    const { log, now } = this.#options;
    entry.fail(error, now());
    log.warn({ err: error, volumeId: entry.volumeId }, 'a volume is not in the pool yet; it is tried again');
  }

  /** The store has the right bytes. Nobody may be given others, so the file goes at once, and is written anew. */
  #dropDamaged(entry: PoolEntry, file: PoolFile, error: unknown): void {
    if (entry.file !== file) return; // another read has found it
    const { log, now } = this.#options;
    log.error(
      { err: error, volumeId: entry.volumeId },
      'a file of the pool is damaged; the store is read in its place',
    );
    entry.fail(error, now());
    const removing = this.#removeFile(entry, file).catch((cause: unknown) => {
      log.warn({ err: cause, path: file.path }, 'a damaged file of the pool stays until it is written anew');
    });
    this.#removal = Promise.all([this.#removal, removing]);
    this.wake();
  }

  async #removeUnwanted(entry: PoolEntry): Promise<void> {
    if (entry.isHydrating || this.#readers.has(entry.volumeId)) return;
    await this.#removeFile(entry, entry.file);
    if (entry.volume === undefined) this.#entries.delete(entry.volumeId);
  }

  async #removeFile(entry: PoolEntry, file: PoolFile | undefined): Promise<void> {
    if (file === undefined) return;
    entry.file = undefined;
    entry.dataBytes ??= file.storedBytes;
    file.close();
    await rm(file.path, { force: true });
  }

  async #limit(): Promise<number> {
    return limitOf(this.#options.limitBytes, this.#storedBytes(), await this.#measure());
  }

  #measure(): Promise<DiskRoom> {
    const { measure, directory } = this.#options;
    return measure === undefined ? measureRoom(directory) : measure();
  }

  #storedBytes(): number {
    return [...this.#entries.values()].reduce((sum, entry) => sum + entry.storedBytes, 0);
  }
}
