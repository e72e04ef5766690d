import type { ReadOptions } from './byte-source.ts';

/**
 * What a range of guest bytes is: `data` was written, `zero` was written as zeros, `hole` was never written.
 * Both of the latter read as zeros.
 */
export type ExtentKind = 'data' | 'zero' | 'hole';

/** A run of guest bytes of one kind. Offsets and lengths are in bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly kind: ExtentKind;
}

/**
 * The guest's view of a disk: the one interface in the middle. Every format and the store produce it,
 * every exit consumes it.
 *
 * Calls may overlap. Whoever opened the device disposes it.
 */
export interface BlockDevice extends AsyncDisposable {
  /** The disk's size as the guest sees it, in bytes. */
  readonly sizeBytes: number;

  /**
   * The extents of `[offset, offset + length)`, in order, without gaps, cut to the range; neighbours of one kind
   * are merged.
   */
  extents(offset: number, length: number, options?: ReadOptions): AsyncIterable<Extent>;

  /** Fills `target` with the guest bytes from `offset`, or throws. The range must lie within the disk. */
  readAt(target: Uint8Array, offset: number, options?: ReadOptions): Promise<void>;
}

/** What a change of a device may be asked to be. */
export interface ChangeOptions extends ReadOptions {
  /** The change is durable before the call returns, as if `flush` had followed for it alone (FUA). */
  readonly durable?: boolean;
}

/**
 * A disk that can be written. A change is seen by every read that begins after its call returned, and is durable once a
 * `flush` that began after that has returned: until then a crash leaves each 4 KiB block either as it was or as it was
 * made, never something else. Calls may overlap; of changes that overlap in time and place either may win, block by block.
 *
 * After a failed flush or durable change nothing is promised of what it was to make durable, so the device fails every
 * change and flush from then on.
 */
export interface WritableBlockDevice extends BlockDevice {
  /** Writes all of `bytes` from `offset`, or throws. The range must lie within the disk. */
  writeAt(bytes: Uint8Array, offset: number, options?: ChangeOptions): Promise<void>;

  /** Makes a range read as zeros, and gives back the space that it takes where that can be. */
  zeroAt(offset: number, length: number, options?: ChangeOptions): Promise<void>;

  /** Makes every change whose call has returned durable. */
  flush(options?: ReadOptions): Promise<void>;
}
