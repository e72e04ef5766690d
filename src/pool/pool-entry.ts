import type { PoolFile } from './pool-file.ts';
import type { PoolEntryStatus, PooledVolume } from './pooled-volume.ts';

/** From a failure to the next attempt: longer each time it fails again, so that a broken volume is not read all day. */
const firstRetryMs = 5_000;
const retryFactor = 4;
const longestRetryMs = 3_600_000;

/** What the pool knows of one volume. */
export class PoolEntry {
  readonly volumeId: string;
  /** Undefined once no image wants it: then it goes when nobody reads it. */
  volume: PooledVolume | undefined;
  /** Undefined as long as there is none that is whole. */
  file: PoolFile | undefined;
  /** What the file will take, once somebody has counted. */
  dataBytes: number | undefined;
  /** Guest bytes in the file that is being written. */
  writtenBytes = 0;
  isHydrating = false;
  /** Whether there is room for it, as far as it is known. */
  fits = true;
  hits = 0;
  misses = 0;
  /** When it was last used, or came: who uses it last keeps its place. Milliseconds since 1970. */
  rankedAt: number;
  #lastUsedAt: number | undefined;
  #writtenAt = 0;
  #failures = 0;
  #retryAt = 0;
  #problem = '';

  constructor(volume: PooledVolume, rankedAt: number) {
    this.volumeId = volume.volumeId;
    this.volume = volume;
    this.rankedAt = rankedAt;
  }

  use(now: number): void {
    this.#lastUsedAt = now;
    this.rankedAt = now;
  }

  get lastUsedAt(): number | undefined {
    return this.#lastUsedAt;
  }

  /** Whether its file was used, or written, since then. */
  isFreshSince(time: number): boolean {
    return Math.max(this.rankedAt, this.#writtenAt) > time;
  }

  /** What it takes of the disk now. */
  get storedBytes(): number {
    return this.file?.storedBytes ?? this.writtenBytes;
  }

  /** Its file could not be written, or could not be read any more. */
  fail(error: unknown, now: number): void {
    this.#retryAt = now + Math.min(longestRetryMs, firstRetryMs * retryFactor ** this.#failures);
    this.#failures += 1;
    this.#problem = error instanceof Error ? error.message : String(error);
  }

  /** A file is whole. Failures before it still count, so that one that rots at once is not written for ever. */
  succeed(now: number): void {
    this.#writtenAt = now;
    this.#problem = '';
  }

  /** Whether it is too early to try again. */
  isResting(now: number): boolean {
    return now < this.#retryAt;
  }

  status(volume: PooledVolume): PoolEntryStatus {
    const { storedBytes, hits, misses, lastUsedAt } = this;
    return { volume, state: this.#state(), storedBytes, hits, misses, lastUsedAt, problem: this.#problem };
  }

  #state(): PoolEntryStatus['state'] {
    if (this.file !== undefined) return 'ready';
    if (this.isHydrating) return 'hydrating';
    return this.fits ? 'waiting' : 'evicted';
  }
}
