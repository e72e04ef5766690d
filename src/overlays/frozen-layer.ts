import type { BlockDevice, Extent } from '../formats/block-device.ts';
import type { ReadOptions } from '../formats/byte-source.ts';
import { changesOf, type LayerChange, type LayerStack } from './layer-stack.ts';
import type { Layer } from './log-set.ts';

/**
 * A point in time of a disk: what was written from the freeze before it, or the beginning, to its own. As a block device it is the
 * whole disk as it was: the layer, those under it, and the base. Disposing it does nothing: it lasts until it is dropped.
 */
export interface FrozenLayer extends BlockDevice {
  /** Rising with every freeze of the disk, and the same when the overlay is opened again. */
  readonly number: number;

  /** What this layer alone says of a range: in order, without gaps, in whole blocks cut to the range. */
  changes(offset: number, length: number): Iterable<LayerChange>;

  /**
   * Makes the layer durable: until then a crash may take from it what no flush has acknowledged, or undo the freeze. To be
   * waited for before anything is made of the layer. May be called again after `ENOSPC`.
   */
  settle(): Promise<void>;

  /**
   * Removes the layer and those under it, whose content must be in the base by now. The base stays the same: `Overlay.rebase`
   * changes both at once.
   */
  drop(): Promise<void>;
}

/** What a frozen layer needs of its overlay. */
export interface FrozenLayerOwner {
  readonly sizeBytes: number;
  /** The stack that the layer is in now. Throws once it was dropped. */
  stackWith(layer: Layer): LayerStack;
  settle(): Promise<void>;
  drop(layer: Layer): Promise<void>;
}

export function createFrozenLayer(owner: FrozenLayerOwner, layer: Layer): FrozenLayer {
  const { sizeBytes } = owner;
  function mustHold(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > sizeBytes) {
      throw new RangeError(`${length} bytes at ${offset} of a disk of ${sizeBytes}`);
    }
  }
  return {
    number: layer.number,
    sizeBytes,
    *changes(offset, length) {
      mustHold(offset, length);
      owner.stackWith(layer);
      yield* changesOf([layer], layer.number, offset, length);
    },
    extents(offset, length, options?: ReadOptions): AsyncIterable<Extent> {
      mustHold(offset, length);
      return owner.stackWith(layer).extents(offset, length, layer.number, options);
    },
    async readAt(target, offset, options) {
      mustHold(offset, target.byteLength);
      await owner.stackWith(layer).readAt(target, offset, layer.number, options);
    },
    settle: () => owner.settle(),
    drop: () => owner.drop(layer),
    async [Symbol.asyncDispose]() {},
  };
}
