import type { BlockDevice, Extent, ExtentKind } from './block-device.ts';
import type { ByteSource, ReadOptions } from './byte-source.ts';
import { decodeUnit } from './decode-run.ts';
import type { DataRun, DiskMap } from './disk-map.ts';
import { planReads } from './plan-reads.ts';
import { readRanges } from './read-ranges.ts';
import { maxRunsLength } from './run-builder.ts';
import { UnitCache } from './unit-cache.ts';

/** A request of 64 KiB costs a server about as much as one of 4 KiB; reads beyond 4 MiB win nothing and hold memory. */
const merging = { maxGapBytes: 64 * 1024, maxReadBytes: 4 * 1024 * 1024 };

/**
 * A virtual disk file as a block device, for any format: its map says where, its source has the bytes. Everything is
 * decoded on the calling thread; an import, which has threads for that, uses the map itself.
 *
 * The source stays the caller's; disposing the device only forgets what was decoded. Memory: 16 MiB in flight for each
 * call, and 8 MiB of decoded units.
 */
export function createMappedDevice(source: ByteSource, map: DiskMap): BlockDevice {
  return new MappedDevice(source, map);
}

class MappedDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly #source: ByteSource;
  readonly #map: DiskMap;
  readonly #units = new UnitCache();

  constructor(source: ByteSource, map: DiskMap) {
    this.sizeBytes = map.sizeBytes;
    this.#source = source;
    this.#map = map;
  }

  async *extents(offset: number, length: number, options?: ReadOptions): AsyncIterable<Extent> {
    this.#mustHold(offset, length);
    let pending: Extent | undefined;
    for await (const extent of this.#pieces(offset, length, options)) {
      if (pending !== undefined && pending.kind === extent.kind) {
        pending = { ...pending, length: pending.length + extent.length };
      } else {
        if (pending !== undefined) yield pending;
        pending = extent;
      }
    }
    if (pending !== undefined) yield pending;
  }

  async readAt(target: Uint8Array, offset: number, options?: ReadOptions): Promise<void> {
    this.#mustHold(offset, target.length);
    for (const window of windows(offset, target.length)) {
      const part = target.subarray(window.offset - offset, window.offset - offset + window.length);
      await this.#readWindow(part, window.offset, options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#units.clear();
  }

  /** Extents without gaps, not yet merged. */
  async *#pieces(offset: number, length: number, options?: ReadOptions): AsyncIterable<Extent> {
    for (const window of windows(offset, length)) {
      options?.signal?.throwIfAborted();
      let at = window.offset;
      for (const run of await this.#map.runs(window.offset, window.length, options)) {
        if (run.offset > at) yield extentOf('hole', at, run.offset);
        at = run.offset + run.length;
        yield extentOf(run.kind, run.offset, at);
      }
      const end = window.offset + window.length;
      if (at < end) yield extentOf('hole', at, end);
    }
  }

  async #readWindow(target: Uint8Array, offset: number, options?: ReadOptions): Promise<void> {
    const wanted: DataRun[] = [];
    // Where no data is, zeros are; the target may hold anything.
    target.fill(0);
    for (const run of await this.#map.runs(offset, target.length, options)) {
      if (run.kind === 'data' && !this.#copyCached(run, target, offset)) wanted.push(run);
    }
    await readRanges(
      this.#source,
      planReads(wanted, merging),
      (read, bytes) => {
        for (const run of read.runs) {
          const encoded = bytes.subarray(run.fileOffset - read.offset, run.fileOffset - read.offset + run.fileLength);
          if (run.codec === 'plain') target.set(encoded, run.offset - offset);
          else copyUnit(run, this.#units.keep(run, decodeUnit(run, encoded)), target, offset);
        }
      },
      options,
    );
  }

  #copyCached(run: DataRun, target: Uint8Array, offset: number): boolean {
    const unit = this.#units.get(run);
    if (unit === undefined) return false;
    copyUnit(run, unit, target, offset);
    return true;
  }

  #mustHold(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new RangeError(`Bytes ${offset} to ${offset + length} are not within a disk of ${this.sizeBytes} bytes.`);
    }
  }
}

function copyUnit(run: DataRun, unit: Uint8Array, target: Uint8Array, offset: number): void {
  target.set(unit.subarray(run.skip, run.skip + run.length), run.offset - offset);
}

function extentOf(kind: ExtentKind, start: number, end: number): Extent {
  return { kind, offset: start, length: end - start };
}

/** Cuts a range into parts that `DiskMap.runs` answers for in one call. */
function* windows(offset: number, length: number): Iterable<{ offset: number; length: number }> {
  for (let done = 0; done < length; done += maxRunsLength) {
    yield { offset: offset + done, length: Math.min(maxRunsLength, length - done) };
  }
}
