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
