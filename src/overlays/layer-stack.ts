import type { BlockDevice, Extent, ExtentKind } from '../formats/block-device.ts';
import type { ReadOptions } from '../formats/byte-source.ts';
import { copyBytes } from '../lib/copy-bytes.ts';
import { absent, zeros } from './index-region.ts';
import { partsByRegion } from './layer-index.ts';
import { blockBytes, checksumOf } from './log-format.ts';
import type { Layer, LogSet } from './log-set.ts';
import { OverlayDamaged, overlayFailedBy } from './overlay-failed.ts';

/** Blocks that one round of reading looks up and holds: 1 MiB. */
const windowBlocks = 256;

/**
 * Layers over a base, as one who reads sees them: never changed, but replaced by another one, so that a change of the
 * base and of layers is seen at once or not at all. What was taken out of use is let go when nobody reads the stack any more.
 */
export class LayerStack {
  readonly layers: readonly Layer[];
  readonly base: BlockDevice | undefined;
  readonly #logs: LogSet;
  #readers = 0;
  readonly #unread = Promise.withResolvers<void>();
  /** The stacks before this one are not read any more. */
  readonly #before: Promise<unknown>;
  #isReplaced = false;

  /** @param layers oldest first */
  constructor(logs: LogSet, layers: readonly Layer[], base: BlockDevice | undefined, before?: Promise<unknown>) {
    this.#logs = logs;
    this.layers = layers;
    this.base = base;
    this.#before = before ?? Promise.resolve();
  }

  /**
   * What is read from now on instead of this one; and when those have ended who read this one, or one before it.
   */
  replaceBy(layers: readonly Layer[], base: BlockDevice | undefined): { next: LayerStack; unread: Promise<unknown> } {
    this.#isReplaced = true;
    if (this.#readers === 0) this.#unread.resolve();
    const unread = Promise.all([this.#before, this.#unread.promise]);
    return { next: new LayerStack(this.#logs, layers, base, unread), unread };
  }

  /** Keeps everything that the stack refers to until it is disposed. */
  #hold(): Disposable {
    this.#readers += 1;
    return {
      [Symbol.dispose]: () => {
        this.#readers -= 1;
        if (this.#isReplaced && this.#readers === 0) this.#unread.resolve();
      },
    };
  }

  /**
   * Fills `target` from `offset`. What lies behind the end of the base is zeros.
   * @param through the number of the newest layer that is looked at
   */
  async readAt(target: Uint8Array, offset: number, through: number, options: ReadOptions = {}): Promise<void> {
    using _held = this.#hold();
    const end = offset + target.byteLength;
    for (let at = offset; at < end; ) {
      options.signal?.throwIfAborted();
      const stop = Math.min(end, (Math.floor(at / blockBytes) + windowBlocks) * blockBytes);
      await this.#readWindow(target.subarray(at - offset, stop - offset), at, through, options);
      at = stop;
    }
  }

  async #readWindow(target: Uint8Array, offset: number, through: number, options: ReadOptions): Promise<void> {
    const first = Math.floor(offset / blockBytes);
    const count = Math.ceil((offset + target.byteLength) / blockBytes) - first;
    const places = new Uint32Array(count);
    const checksums = new Uint32Array(count);
    for (const { number, index } of this.layers) if (number <= through) index.paint(first, count, places, checksums);
    const reads: Promise<void>[] = [];
    const data: number[] = [];
    for (let index = 0; index < count; ) {
      const place = places[index] ?? absent;
      let next = index + 1;
      if (place > zeros) {
        data.push(index);
      } else {
        while (next < count && places[next] === place) next += 1;
        const from = Math.max(offset, (first + index) * blockBytes);
        const to = Math.min(offset + target.byteLength, (first + next) * blockBytes);
        const part = target.subarray(from - offset, to - offset);
        if (place === zeros) part.fill(0);
        else reads.push(this.#readBase(part, from, options));
      }
      index = next;
    }
    for (const run of runsOfPlaces(data, places)) {
      reads.push(this.#readRun(run, { target, offset, first, places, checksums }));
    }
    // Whoever gave the target may use it again when this returns: nothing may still be writing to it.
    const results = await Promise.allSettled(reads);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #readBase(target: Uint8Array, offset: number, options: ReadOptions): Promise<void> {
    const there = Math.min(target.byteLength, Math.max(0, (this.base?.sizeBytes ?? 0) - offset));
    if (there > 0) await this.base?.readAt(target.subarray(0, there), offset, options);
    target.fill(0, there);
  }

  /** Reads blocks that stand close together in one file, checks each, and copies what is wanted of it. */
  async #readRun(run: readonly number[], window: Window): Promise<void> {
    const { target, offset, first, places, checksums } = window;
    const firstPlace = places[run[0] ?? 0] ?? absent;
    const blocks = (places[run.at(-1) ?? 0] ?? absent) - firstPlace + 1;
    const file = this.#logs.places.fileOf(firstPlace);
    const fileBlock = this.#logs.places.blockOf(firstPlace);
    const start = (first + (run[0] ?? 0)) * blockBytes;
    const isDirect =
      blocks === run.length &&
      isConsecutive(run) &&
      start >= offset &&
      start - offset + blocks * blockBytes <= target.byteLength;
    const bytes = isDirect
      ? target.subarray(start - offset, start - offset + blocks * blockBytes)
      : Buffer.allocUnsafe(blocks * blockBytes);
    try {
      await file.read(bytes, fileBlock);
    } catch (error) {
      throw overlayFailedBy(error, file.path);
    }
    for (const index of run) {
      const at = (places[index] ?? absent) - firstPlace;
      const block = bytes.subarray(at * blockBytes, (at + 1) * blockBytes);
      if (checksumOf(block) !== checksums[index]) {
        throw new OverlayDamaged(file.path, `block ${fileBlock + at} is damaged: block ${first + index} of the disk`);
      }
      if (isDirect) continue;
      const from = Math.max(offset, (first + index) * blockBytes);
      const to = Math.min(offset + target.byteLength, (first + index + 1) * blockBytes);
      const skip = from - (first + index) * blockBytes;
      copyBytes(block.subarray(skip, skip + to - from), target, from - offset);
    }
  }

  /** The extents of the range: what the layers do not have, as the base has it. */
  async *extents(offset: number, length: number, through: number, options: ReadOptions = {}): AsyncIterable<Extent> {
    using _held = this.#hold();
    for (const run of changesOf(this.layers, through, offset, length)) {
      options.signal?.throwIfAborted();
      if (run.kind !== 'absent') {
        yield { offset: run.offset, length: run.length, kind: run.kind };
        continue;
      }
      const there = Math.min(run.length, Math.max(0, (this.base?.sizeBytes ?? 0) - run.offset));
      if (there > 0 && this.base !== undefined) yield* this.base.extents(run.offset, there, options);
      if (there < run.length) yield { offset: run.offset + there, length: run.length - there, kind: 'hole' };
    }
  }
}

interface Window {
  readonly target: Uint8Array;
  readonly offset: number;
  readonly first: number;
  readonly places: Uint32Array;
  readonly checksums: Uint32Array;
}

/** A run of the disk that a layer says one thing of. In bytes. */
export interface LayerChange {
  readonly offset: number;
  readonly length: number;
  readonly kind: (ExtentKind & ('data' | 'zero')) | 'absent';
}

const kinds = ['absent', 'zero', 'data'] as const;

/** What layers say of a range, the newest first to be heard: in order, without gaps, cut to the range, merged. */
export function* changesOf(
  layers: readonly Layer[],
  through: number,
  offset: number,
  length: number,
): Iterable<LayerChange> {
  const end = offset + length;
  const heard = layers.filter(({ number }) => number <= through);
  let pending: LayerChange | undefined;
  for (const run of runsOfKinds(heard, Math.floor(offset / blockBytes), Math.ceil(end / blockBytes))) {
    const start = Math.max(offset, run.block * blockBytes);
    const next = { offset: start, length: Math.min(end, run.end * blockBytes) - start, kind: run.kind };
    if (pending?.kind === next.kind) {
      pending = { ...pending, length: pending.length + next.length };
      continue;
    }
    if (pending !== undefined) yield pending;
    pending = next;
  }
  if (pending !== undefined) yield pending;
}

interface KindRun {
  readonly block: number;
  readonly end: number;
  readonly kind: LayerChange['kind'];
}

function* runsOfKinds(layers: readonly Layer[], first: number, end: number): Iterable<KindRun> {
  for (const { block, count } of partsByRegion(first, end - first)) {
    // Nearly all of a large disk: not worth a look at each block.
    if (!layers.some(({ index }) => index.hasRegionOf(block))) {
      yield { block, end: block + count, kind: 'absent' };
      continue;
    }
    const painted = new Uint32Array(count);
    for (const { index } of layers) index.paint(block, count, painted);
    for (let at = 0; at < count; ) {
      const kind = Math.min(painted[at] ?? absent, 2);
      let next = at + 1;
      while (next < count && Math.min(painted[next] ?? absent, 2) === kind) next += 1;
      yield { block: block + at, end: block + next, kind: kinds[kind] ?? 'absent' };
      at = next;
    }
  }
}

/**
 * Data blocks of a window in groups that one read fetches: in the order of the file, and with at most one block between two
 * of them, which is what the header of a batch of single blocks takes.
 */
function* runsOfPlaces(data: readonly number[], places: Uint32Array): Iterable<readonly number[]> {
  const placeOf = (index: number): number => places[index] ?? absent;
  const sorted = data.length > 1 ? data.toSorted((left, right) => placeOf(left) - placeOf(right)) : data;
  let run: number[] = [];
  for (const index of sorted) {
    const last = run.at(-1);
    if (last !== undefined && placeOf(index) - placeOf(last) > 2) {
      yield run;
      run = [];
    }
    run.push(index);
  }
  if (run.length > 0) yield run;
}

function isConsecutive(run: readonly number[]): boolean {
  return run.every((index, at) => index === (run[0] ?? 0) + at);
}
