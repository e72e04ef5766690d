import { setImmediate } from 'node:timers/promises';
import type { BlockDevice, ChangeOptions, Extent } from '../formats/block-device.ts';
import type { ReadOptions } from '../formats/byte-source.ts';
import { type Append, BlockChanges } from './block-changes.ts';
import { Compactor } from './compactor.ts';
import { createFrozenLayer, type FrozenLayer, type FrozenLayerOwner } from './frozen-layer.ts';
import { LayerStack } from './layer-stack.ts';
import { LogAppender } from './log-appender.ts';
import { blockBytes } from './log-format.ts';
import type { Layer, LogSet } from './log-set.ts';
import { frozenLayersMax, type Overlay, type OverlayBase, type OverlayUsage, TooManyFrozenLayers } from './overlay.ts';
import { OverlayFailed } from './overlay-failed.ts';
import { RangeLocks } from './range-locks.ts';

/** Pieces of a request that are on their way to the log: one is being written, one is being summed. */
const piecesUnderWay = 2;

/** Every layer there is. */
const all = Number.POSITIVE_INFINITY;

export interface OverlayDeviceOptions {
  /** Whether log files that are mostly dead are compacted without anybody asking for it. */
  readonly compactsByItself: boolean;
  onProblem(error: OverlayFailed): void;
}

export class OverlayDevice implements Overlay, FrozenLayerOwner {
  readonly #logs: LogSet;
  readonly #appender: LogAppender;
  readonly #changes: BlockChanges;
  readonly #locks = new RangeLocks();
  readonly #compactor: Compactor;
  #stack: LayerStack;
  #baseId: string;
  /** The frozen layers as they were handed out. */
  readonly #frozen = new Map<Layer, FrozenLayer>();
  #closing: Promise<void> | undefined;

  constructor(logs: LogSet, base: OverlayBase, options: OverlayDeviceOptions) {
    this.#logs = logs;
    this.#appender = new LogAppender(logs);
    this.#changes = new BlockChanges({ logs, appender: this.#appender, stack: () => this.#stack });
    this.#baseId = base.id;
    this.#stack = new LayerStack(logs, logs.layers, base.device);
    for (const layer of logs.layers.slice(0, -1)) this.#frozen.set(layer, createFrozenLayer(this, layer));
    this.#compactor = new Compactor({
      logs,
      appender: this.#appender,
      runsByItself: options.compactsByItself,
      unread: () => this.#replaceStack(this.#stack.layers, this.#stack.base),
      onProblem: options.onProblem,
    });
    logs.onSealed = () => this.#compactor.wake();
  }

  get sizeBytes(): number {
    return this.#logs.sizeBytes;
  }

  extents(offset: number, length: number, options?: ReadOptions): AsyncIterable<Extent> {
    this.#mustHold(offset, length);
    return mergedExtents(this.#stack.extents(offset, length, all, options));
  }

  async readAt(target: Uint8Array, offset: number, options?: ReadOptions): Promise<void> {
    this.#mustHold(offset, target.byteLength);
    this.#mustBeOpen();
    await this.#stack.readAt(target, offset, all, options);
  }

  async writeAt(bytes: Uint8Array, offset: number, options?: ChangeOptions): Promise<void> {
    await this.#change(offset, bytes.byteLength, options, (append) => this.#changes.write(bytes, offset, append));
  }

  async zeroAt(offset: number, length: number, options?: ChangeOptions): Promise<void> {
    await this.#change(offset, length, options, (append) => this.#changes.zero(offset, length, append));
    this.#compactor.wake();
  }

  async flush({ signal }: ReadOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#mustBeOpen();
    await this.#logs.sync();
  }

  async freeze(): Promise<FrozenLayer> {
    this.#mustBeOpen();
    for (;;) {
      await this.#logs.makeReady(); // before anybody has to wait
      const unlock = await this.#locks.lock(0, all);
      try {
        this.#mustBeOpen();
        const frozen = await this.#freezeNow();
        if (frozen !== undefined) return frozen;
      } finally {
        unlock();
      }
    }
  }

  /** @returns undefined when the file that was made ready has been taken by a batch meanwhile */
  async #freezeNow(): Promise<FrozenLayer | undefined> {
    let frozen: FrozenLayer | undefined;
    await this.#appender.between(() => {
      if (this.#frozen.size >= frozenLayersMax) throw new TooManyFrozenLayers();
      this.#logs.throwIfFailed();
      if (!this.#logs.hasSpare) return;
      const layer = this.#logs.freeze();
      void this.#replaceStack(this.#logs.layers, this.#stack.base);
      frozen = createFrozenLayer(this, layer);
      this.#frozen.set(layer, frozen);
    });
    return frozen;
  }

  frozenLayers(): readonly FrozenLayer[] {
    return [...this.#frozen.values()];
  }

  async allowBase(baseId: string): Promise<void> {
    this.#mustBeOpen();
    await this.#logs.allowBase(baseId);
  }

  async rebase(base: OverlayBase, through: FrozenLayer): Promise<void> {
    await this.swapBase(base, through);
    await this.settleRebase();
  }

  async swapBase({ device, id }: OverlayBase, through: FrozenLayer): Promise<void> {
    this.#mustBeOpen();
    if (!this.frozenLayers().includes(through)) throw new Error(`layer ${through.number} is not one of this disk's`);
    for (const layer of this.#frozen.keys()) if (layer.number <= through.number) this.#frozen.delete(layer);
    const kept = this.#stack.layers.filter(({ number }) => number > through.number);
    this.#baseId = id;
    this.#logs.settleBase(id);
    await this.#replaceStack(kept, device);
    await this.#logs.removeLayers(through.number);
  }

  async settleRebase(): Promise<void> {
    await this.#logs.save();
  }

  async merge(frozen: FrozenLayer): Promise<void> {
    const layer = this.#logs.layers.find((candidate) => this.#frozen.get(candidate) === frozen);
    if (layer === undefined) throw new Error(`layer ${frozen.number} is not one of this disk's`);
    for (const _region of this.#logs.above(layer).index.takeOver(layer.index)) {
      await setImmediate(); // a region takes a fraction of a millisecond, and there may be thousands
      this.#mustBeOpen();
    }
    this.#mustBeOpen();
    this.#frozen.delete(layer);
    this.#logs.mergeUp(layer);
    void this.#replaceStack(this.#logs.layers, this.#stack.base);
    await this.#logs.save();
    this.#compactor.wake();
  }

  async resize(sizeBytes: number): Promise<void> {
    this.#mustBeOpen();
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < this.sizeBytes) {
      throw new RangeError(`a disk of ${this.sizeBytes} bytes can't be made one of ${sizeBytes}`);
    }
    if (sizeBytes > this.sizeBytes) await this.#logs.resize(sizeBytes);
  }

  async compact(): Promise<void> {
    this.#mustBeOpen();
    await this.#compactor.run();
  }

  usage(): OverlayUsage {
    const { places, layers } = this.#logs;
    const { files } = places;
    return {
      storedBytes: blockBytes * files.reduce((sum, { endBlock }) => sum + endBlock, 0),
      liveBytes: blockBytes * files.reduce((sum, { liveBlocks }) => sum + liveBlocks, 0),
      indexMemoryBytes: layers.reduce((sum, { index }) => sum + index.memoryBytes, 0),
      logFiles: files.length,
      frozenLayers: this.#frozen.size,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // --- For its frozen layers.

  stackWith(layer: Layer): LayerStack {
    if (!this.#frozen.has(layer)) throw new Error(`layer ${layer.number} was dropped`);
    return this.#stack;
  }

  async settle(): Promise<void> {
    await this.#logs.settle();
  }

  async drop(layer: Layer): Promise<void> {
    const frozen = this.#frozen.get(layer);
    if (frozen !== undefined) await this.rebase({ device: this.#stack.base, id: this.#baseId }, frozen);
  }

  // --- Changes.

  async #change(
    offset: number,
    length: number,
    { signal, durable = false }: ChangeOptions = {},
    change: (append: Append) => Promise<void>,
  ): Promise<void> {
    this.#mustHold(offset, length);
    this.#mustBeOpen();
    signal?.throwIfAborted();
    this.#logs.throwIfFailed();
    if (length > 0) {
      const unlock = await this.#locks.lock(Math.floor(offset / blockBytes), Math.ceil((offset + length) / blockBytes));
      try {
        this.#mustBeOpen();
        await this.#inPieces(change);
      } finally {
        unlock();
      }
    }
    if (durable) await this.flush();
  }

  /** Lets a change append piece by piece, a few at a time, and returns when all of them are in the log or it has failed. */
  async #inPieces(change: (append: Append) => Promise<void>): Promise<void> {
    const underWay: Promise<void>[] = [];
    const append: Append = async (changes) => {
      if (changes.data.length + changes.zeros.length === 0) return;
      const appending = this.#appender.append(changes);
      appending.catch(() => {}); // it is waited for below, but perhaps only after another one has failed
      underWay.push(appending);
      if (underWay.length >= piecesUnderWay) await underWay.shift();
    };
    try {
      await change(append);
    } finally {
      // Nothing of this request may still be on its way when its blocks are unlocked.
      await Promise.allSettled(underWay);
    }
    await Promise.all(underWay);
  }

  #replaceStack(layers: readonly Layer[], base: BlockDevice | undefined): Promise<unknown> {
    const { next, unread } = this.#stack.replaceBy(layers, base);
    this.#stack = next;
    return unread;
  }

  #mustHold(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new RangeError(`${length} bytes at ${offset} of a disk of ${this.sizeBytes}`);
    }
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new OverlayFailed('EIO', 'the overlay is closed');
  }

  async #close(): Promise<void> {
    await this.#compactor[Symbol.asyncDispose]();
    const unlock = await this.#locks.lock(0, all);
    await this.#replaceStack(this.#stack.layers, this.#stack.base); // nobody reads any more
    try {
      await this.#logs[Symbol.asyncDispose]();
    } finally {
      unlock(); // who waited finds it closed
    }
  }
}

async function* mergedExtents(extents: AsyncIterable<Extent>): AsyncIterable<Extent> {
  let pending: Extent | undefined;
  for await (const extent of extents) {
    if (pending !== undefined && pending.kind === extent.kind) {
      pending = { ...pending, length: pending.length + extent.length };
      continue;
    }
    if (pending !== undefined) yield pending;
    pending = extent;
  }
  if (pending !== undefined) yield pending;
}
