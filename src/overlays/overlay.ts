import type { BlockDevice, WritableBlockDevice } from '../formats/block-device.ts';
import type { FrozenLayer } from './frozen-layer.ts';

/** What an overlay takes, in bytes if nothing else is said. */
export interface OverlayUsage {
  /** Its log files, frozen layers included. */
  readonly storedBytes: number;
  /** What of that is blocks of data in use; the rest is headers, indexes, and what compaction will give back. */
  readonly liveBytes: number;
  /** What the places of all blocks hold in memory. */
  readonly indexMemoryBytes: number;
  readonly logFiles: number;
  readonly frozenLayers: number;
}

/** So many layers a read may have to look through. */
export const frozenLayersMax = 8;

/** As many layers as may be are frozen: store and drop some of them first. */
export class TooManyFrozenLayers extends Error {
  constructor() {
    super(`the disk has ${frozenLayersMax} frozen layers, which is as many as it may have`);
    this.name = 'TooManyFrozenLayers';
  }
}

/** What is under an overlay: nothing, or a device and what its content is called. */
export interface OverlayBase {
  readonly device: BlockDevice | undefined;
  /** '' for no base. */
  readonly id: string;
}

export const noBase: OverlayBase = { device: undefined, id: '' };

/**
 * A disk's writable layer over a base that is only read: log files in a directory of its own, specified in
 * docs/formats/overlay.md. A block is absent (and read from the base, or as zeros behind its end), data, or zeros.
 *
 * Calls fail with `OverlayFailed`: `ENOSPC` when there is no room, after which everything is as before and later calls may
 * succeed; `EIO` for what could not be read right, and for every change once an fsync has failed. What is read is checked: a
 * damaged block is `OverlayDamaged`, never other bytes. `bytes` that are written must not change before the call returns.
 *
 * Disposing it ends what is under way and makes everything durable, or throws. The base stays the caller's.
 */
export interface Overlay extends WritableBlockDevice {
  /**
   * Freezes the disk as it is between two changes: whatever was acknowledged before the call is in the layer, whatever begins
   * after it returned is not. Changes wait while those under way end, and no longer; what it costs does not depend on
   * how much there is. Throws `TooManyFrozenLayers`.
   */
  freeze(): Promise<FrozenLayer>;

  /** Layers that are frozen and not dropped, the oldest first, also from before the overlay was opened. */
  frozenLayers(): readonly FrozenLayer[];

  /**
   * Says durably that the disk may lie on this base as well from now on. To be called before it is known for good elsewhere
   * that it does; `rebase` follows.
   */
  allowBase(baseId: string): Promise<void>;

  /**
   * Puts another base in the place of the base and of all layers up to `through`, whose content it must have, and removes
   * these layers. Every read sees the old ones or the new one. It must be known for good that this is the base now: the
   * layers are gone when it returns. If it fails the base is the new one all the same, and their files go later.
   *
   * When it returns nobody reads the old base any more.
   */
  rebase(base: OverlayBase, through: FrozenLayer): Promise<void>;

  /**
   * The part of `rebase` that others have to wait for: no file is written. `settleRebase` is the rest, and whoever swaps calls
   * it; meanwhile everything else may be done.
   */
  swapBase(base: OverlayBase, through: FrozenLayer): Promise<void>;

  settleRebase(): Promise<void>;

  /**
   * Makes a frozen layer that nobody reads any more one with the layer above it: the disk and all other layers are as before.
   * It must not run at once with `rebase` or another `merge`. If it fails the layer is one of two again at the next opening.
   */
  merge(layer: FrozenLayer): Promise<void>;

  /** Makes the disk larger, durably. The new bytes are zeros, or the base's where it was longer than the disk. */
  resize(sizeBytes: number): Promise<void>;

  /** Rewrites log files that are mostly dead, and returns when there are none. It is done in the background all the same. */
  compact(): Promise<void>;

  usage(): OverlayUsage;
}
