import type { BlockDevice, Extent, ExtentKind } from '../formats/block-device.ts';
import type { ReadOptions } from '../formats/byte-source.ts';
import { copyBytes } from '../lib/copy-bytes.ts';
import { type ChunkId, hexOf } from './chunk-id.ts';
import { type ManifestExtent, type ManifestList, segmentBytes } from './manifest.ts';
import { ManifestReader } from './manifest-reader.ts';
import { readChunks, type WantedPart } from './read-chunks.ts';
import type { Store } from './store.ts';
import { findVolume, type Volume } from './volume-rows.ts';

/** A segment that is stored. */
export interface KeptSegment {
  readonly nodeId: ChunkId;
  /** Of its guest bytes. */
  readonly digest: Uint8Array;
  /** What they are made of, which is read when it is asked for. */
  extents(): Promise<readonly ManifestExtent[]>;
}

/** A volume as a disk. */
export interface StoredDevice extends BlockDevice {
  /** The volume whose bytes these are. */
  readonly volume: Pick<Volume, 'id' | 'domainId' | 'storedBytes'>;

  /** Names the content: equal for two volumes exactly if every byte and the size are equal. 64 hexadecimal digits. */
  readonly contentId: string;

  /** A segment as the store has it; undefined for one that is a hole. */
  keptSegment(index: number): Promise<KeptSegment | undefined>;

  /** The lists of segments that the store has, by index: the others are holes. */
  readonly listIds: ReadonlyMap<number, ChunkId>;

  /** Those of the lists that the store has, read, in order. */
  keptLists(indexes: ReadonlySet<number>): AsyncIterable<ManifestList>;
}

/** There is no such volume (any more). */
export class VolumeMissing extends Error {
  constructor(volumeId: string) {
    super(`there is no volume ${volumeId}`);
    this.name = 'VolumeMissing';
  }
}

/**
 * Opens a volume for reading. A sealed volume has data and holes only: zeros are never stored, whether the source wrote
 * them or left them out, so that equal content has one name.
 */
export async function openVolume(store: Store, volumeId: string): Promise<StoredDevice> {
  const volume = await findVolume(store.db.read, volumeId);
  if (volume === undefined) throw new VolumeMissing(volumeId);
  const manifest = await ManifestReader.open(store, volume.domainId, volume.rootId);
  return new VolumeDevice(store, volume, manifest);
}

/** A run of guest bytes within one chunk. */
interface DataRange {
  readonly offset: number;
  readonly length: number;
  readonly part: Omit<WantedPart, 'targetOffset'>;
}

class VolumeDevice implements StoredDevice {
  readonly volume: Volume;
  readonly #store: Store;
  readonly #manifest: ManifestReader;

  constructor(store: Store, volume: Volume, manifest: ManifestReader) {
    this.volume = volume;
    this.#store = store;
    this.#manifest = manifest;
  }

  get contentId(): string {
    return hexOf(this.volume.rootId);
  }

  get sizeBytes(): number {
    return this.#manifest.sizeBytes;
  }

  get listIds(): ReadonlyMap<number, ChunkId> {
    return this.#manifest.listIds;
  }

  async *extents(offset: number, length: number, options: ReadOptions = {}): AsyncIterable<Extent> {
    this.#checkRange(offset, length);
    let pending: { offset: number; length: number; kind: ExtentKind } | undefined;
    for await (const next of this.#extentPieces(offset, length, options)) {
      if (pending?.kind === next.kind) {
        pending.length += next.length;
        continue;
      }
      if (pending !== undefined) yield pending;
      pending = { ...next };
    }
    if (pending !== undefined) yield pending;
  }

  async readAt(target: Uint8Array, offset: number, { signal }: ReadOptions = {}): Promise<void> {
    this.#checkRange(offset, target.byteLength);
    const wanted: WantedPart[] = [];
    for await (const range of this.#dataRanges(offset, target.byteLength, { signal })) {
      wanted.push({ ...range.part, targetOffset: range.offset - offset });
    }
    if (wanted.length === 0) {
      target.fill(0);
      return;
    }
    const coveredBytes = wanted.reduce((sum, { length }) => sum + length, 0);
    if (target.buffer instanceof SharedArrayBuffer) {
      // The threads write to where it is wanted.
      const { buffer, byteOffset } = target;
      if (coveredBytes < target.byteLength) target.fill(0);
      const within = wanted.map((part) => ({ ...part, targetOffset: byteOffset + part.targetOffset }));
      await readChunks(this.#store, this.volume.domainId, 'chunk', within, buffer, { signal });
      return;
    }
    const { memory } = this.#store.threads;
    const shared = memory.lend(target.byteLength);
    if (coveredBytes < target.byteLength) shared.fill(0);
    await readChunks(this.#store, this.volume.domainId, 'chunk', wanted, shared.buffer, { signal });
    copyBytes(shared, target);
    memory.giveBack(shared);
  }

  async keptSegment(index: number): Promise<KeptSegment | undefined> {
    const entry = await this.#manifest.segmentEntry(index);
    if (entry === undefined) return undefined;
    return { nodeId: entry.id, digest: entry.digest, extents: () => this.#manifest.segment(index) };
  }

  keptLists(indexes: ReadonlySet<number>): AsyncIterable<ManifestList> {
    return this.#manifest.lists(indexes);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #checkRange(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new RangeError(`${length} bytes at ${offset} of a disk of ${this.sizeBytes}`);
    }
  }

  /** Data ranges and the holes between them. */
  async *#extentPieces(offset: number, length: number, options: ReadOptions): AsyncIterable<Extent> {
    let at = offset;
    for await (const range of this.#dataRanges(offset, length, options)) {
      if (range.offset > at) yield { offset: at, length: range.offset - at, kind: 'hole' };
      yield { offset: range.offset, length: range.length, kind: 'data' };
      at = range.offset + range.length;
    }
    if (at < offset + length) yield { offset: at, length: offset + length - at, kind: 'hole' };
  }

  async *#dataRanges(offset: number, length: number, { signal }: ReadOptions): AsyncIterable<DataRange> {
    const end = offset + length;
    for (let index = Math.floor(offset / segmentBytes); index * segmentBytes < end; index += 1) {
      signal?.throwIfAborted();
      const segmentStart = index * segmentBytes;
      for (const extent of await this.#manifest.segment(index)) {
        const start = Math.max(segmentStart + extent.offset, offset);
        const stop = Math.min(segmentStart + extent.offset + extent.length, end);
        if (stop <= start) continue;
        const chunkOffset = extent.chunkOffset + start - (segmentStart + extent.offset);
        const part = { chunkId: extent.chunkId, chunkOffset, length: stop - start };
        yield { offset: start, length: stop - start, part };
      }
    }
  }
}
