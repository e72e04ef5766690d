import { crc32 } from 'node:zlib';
import { ImageRefused } from '../formats/image-refused.ts';
import { chunkIdBytes, chunkIdOf, chunkKey } from './chunk-id.ts';
import { maxChunkBytes } from './chunker.ts';
import { digestSegment, leafBytes, type SparseDigest } from './guest-digest.ts';
import { type GuestReader, type GuestStripe, maxFetchBytes } from './guest-reader.ts';
import type { KeptSegments } from './kept-segments.ts';
import { encodeSegment, type ManifestChild, type ManifestExtent, segmentBytes } from './manifest.ts';
import type { EncodedChunk } from './pack-writer.ts';
import { chunkIdsOf, type SegmentProgress } from './segment-progress.ts';
import { SpareMemory } from './spare-memory.ts';
import type { Store } from './store.ts';
import { type CutOutput, encodeChunk, type FetchedRead } from './store-tasks.ts';
import type { VolumeWriter } from './volume-writer.ts';

/** Guest bytes that are decoded, cut and compressed at a time. */
const stripeBytes = 4 * 1024 * 1024;

/** More lanes gain little, and their memory is what keeps a second import from running beside. */
const maxLanes = 3;

/** Memory of one lane: plain and encoded stripe, an open chunk in each, and two stripes of the file being fetched. */
const laneBytes = 2 * (stripeBytes + maxChunkBytes) + 2 * maxFetchBytes;

/** What storing a guest holds in memory at most, in bytes, besides the format reader's own tables. */
export const storeGuestBytes = maxLanes * laneBytes;

export interface StoreGuestOptions {
  readonly signal: AbortSignal;
  /** The durable progress of earlier runs, by segment. */
  readonly resume: ReadonlyMap<number, SegmentProgress>;
  /** What is taken over of the volume under the guest, if that can be had segment by segment. */
  readonly kept: KeptSegments | undefined;
  /** Guest bytes that are behind us; holes count. Called often. */
  readonly onProgress: (guestBytes: number) => void;
}

/**
 * Writes all guest bytes of `reader` that are not zeros, and that are in no list that was taken over. When it returns they are handed to the writer, whose `flush`
 * makes them durable. Returns the segments that have a node, in order; one that is a hole
 * has none. Throws what the source, the format or the store throws; the lanes have then stopped.
 */
export async function storeGuest(
  store: Store,
  writer: VolumeWriter,
  reader: GuestReader,
  options: StoreGuestOptions,
): Promise<StoredSegment[]> {
  const segmentCount = Math.ceil(reader.sizeBytes / segmentBytes);
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const segments: StoredSegment[] = [];
  let next = 0;

  async function runLane(): Promise<void> {
    const lane = new Lane(store, writer, reader, { ...options, signal });
    for (let index = next++; index < segmentCount; index = next++) {
      signal.throwIfAborted();
      if (options.kept?.hasList(index) === true) {
        options.onProgress(Math.min(segmentBytes, reader.sizeBytes - index * segmentBytes));
        continue;
      }
      const { nodeId: id, digest } = await lane.storeSegment(index, options.resume.get(index));
      if (id !== undefined) segments.push({ index, id, digest });
    }
  }

  // One more than the threads, so that no thread waits while a lane looks up or writes.
  const laneCount = Math.min(store.threads.threads + 1, maxLanes, segmentCount);
  const lanes = Array.from({ length: laneCount }, async () => {
    try {
      await runLane();
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  // All of them, also after a failure: a lane's memory must not be in a thread's hands when we return.
  await Promise.allSettled(lanes);
  options.signal.throwIfAborted();
  failed.signal.throwIfAborted();
  return segments.sort((a, b) => a.index - b.index);
}

/** A segment whose chunks and node are with the writer. */
export interface StoredSegment extends ManifestChild {
  /** Of its guest bytes; undefined when an earlier run stored a part of them. */
  readonly digest: Uint8Array | undefined;
}

/** Works on one segment at a time, stripe by stripe; owns the memory that the threads work in. */
class Lane {
  readonly #store: Store;
  readonly #writer: VolumeWriter;
  readonly #reader: GuestReader;
  readonly #signal: AbortSignal;
  readonly #kept: KeptSegments | undefined;
  readonly #onProgress: (guestBytes: number) => void;
  readonly #plain = new SharedArrayBuffer(maxChunkBytes + stripeBytes);
  readonly #encoded = new SharedArrayBuffer(maxChunkBytes + stripeBytes);
  /** For the stripe that is worked on and for the next one, in turn. */
  readonly #fetched: [SpareMemory, SpareMemory] = [new SpareMemory(), new SpareMemory()];

  constructor(
    store: Store,
    writer: VolumeWriter,
    reader: GuestReader,
    { signal, kept, onProgress }: Omit<StoreGuestOptions, 'resume'>,
  ) {
    this.#store = store;
    this.#writer = writer;
    this.#reader = reader;
    this.#signal = signal;
    this.#kept = kept;
    this.#onProgress = onProgress;
  }

  /** Stores a segment; a hole ends without a node. */
  async storeSegment(index: number, resumed: SegmentProgress | undefined): Promise<SegmentProgress> {
    const start = index * segmentBytes;
    const length = Math.min(segmentBytes, this.#reader.sizeBytes - start);
    let progress: SegmentProgress = resumed ?? {
      index,
      doneBytes: 0,
      extents: [],
      nodeId: undefined,
      digest: undefined,
    };
    // A hole at a segment's end is done, though no chunk says so.
    this.#onProgress(progress.nodeId === undefined ? progress.doneBytes : length);
    if (progress.nodeId !== undefined) return progress;
    const taken = resumed === undefined ? await this.#takeOver(index, length) : undefined;
    if (taken !== undefined) {
      this.#onProgress(length);
      return taken;
    }

    const from = start + progress.doneBytes;
    const stripes = await this.#reader.stripes(from, start + length - from, stripeBytes, { signal: this.#signal });
    if (progress.extents.length === 0 && stripes.every(({ isHole }) => isHole)) {
      this.#onProgress(length - progress.doneBytes);
      return progress;
    }

    /** The segment's leaves so far, if it was begun at its start. */
    const leaves: SparseDigest[] | undefined = progress.doneBytes === 0 ? [] : undefined;
    let carry = { offset: 0, length: 0 };
    let fetching = this.#fetch(stripes[0]);
    for (const [number, stripe] of stripes.entries()) {
      const reads = await fetching;
      this.#signal.throwIfAborted();
      fetching = this.#fetch(stripes[number + 1]);
      const final = number === stripes.length - 1;
      const cuts = await this.#cut(stripe, reads, carry, final);
      leaves?.push(...(stripe.isHole ? holeLeaves(stripe) : cuts.leaves));
      const digest = final && leaves !== undefined ? digestSegment(leaves) : undefined;
      progress = await this.#keep({ ...progress, digest }, start, stripe.offset - carry.length, cuts, final);
      carry = { offset: cuts.restOffset, length: cuts.restLength };
      this.#onProgress(stripe.length);
    }
    return progress;
  }

  /** A segment that is stored as it is: its chunks are only held, unless one of them is not to be had any more. */
  async #takeOver(index: number, length: number): Promise<SegmentProgress | undefined> {
    if (this.#kept !== undefined) {
      const segment = await this.#kept.take(index);
      return segment && { ...segment, index, doneBytes: length, extents: [] };
    }
    const { over } = this.#reader;
    const stored = over === undefined || over.isChanged(index, 1) ? undefined : await over.device.keptSegment(index);
    if (stored === undefined) return undefined;
    const { nodeId, digest } = stored;
    const extents = await stored.extents();
    const progress: SegmentProgress = { index, doneBytes: length, extents, nodeId, digest };
    const ids = chunkIdsOf(progress);
    const knownChunks = await this.#writer.findKnown('chunk', ids);
    const knownNodes = await this.#writer.findKnown('node', [nodeId]);
    if (knownChunks.size < ids.length || knownNodes.size === 0) return undefined;
    await this.#writer.add([], progress);
    return progress;
  }

  /** Begins to fetch, for later, while the stripe before is worked on; a failure waits until somebody asks. */
  #fetch(stripe: GuestStripe | undefined): Promise<FetchedRead[]> {
    this.#fetched.reverse();
    const fetching = stripe?.fetch(this.#fetched[0], { signal: this.#signal }) ?? Promise.resolve([]);
    fetching.catch(() => {});
    return fetching;
  }

  /** Decodes a stripe behind the chunk that is still open, and cuts both. A hole needs no decoding, only the end. */
  async #cut(
    stripe: GuestStripe,
    reads: readonly FetchedRead[],
    carry: { offset: number; length: number },
    final: boolean,
  ): Promise<CutOutput> {
    if (stripe.isHole && carry.length === 0) {
      return noCuts;
    }
    const output = await this.#store.threads.run('cut', {
      plain: this.#plain,
      carryOffset: carry.offset,
      carryLength: carry.length,
      guestOffset: stripe.offset,
      length: stripe.isHole ? 0 : stripe.length,
      reads,
      final: final || stripe.isHole,
    });
    if ('refused' in output) {
      const { check, reason, remedy } = output.refused;
      throw new ImageRefused(remedy === undefined ? { check, reason } : { check, reason, remedy });
    }
    return output;
  }

  /** Stores what is new of a stripe's chunks and notes where they belong. `plainStart`: guest offset of the buffer. */
  async #keep(
    before: SegmentProgress,
    segmentStart: number,
    plainStart: number,
    cuts: CutOutput,
    final: boolean,
  ): Promise<SegmentProgress> {
    const extents: ManifestExtent[] = [...before.extents];
    const unique = new Map<string, ManifestExtent & { plainOffset: number }>();
    for (const [index, plainOffset] of cuts.offsets.entries()) {
      const chunkId = cuts.ids.slice(index * chunkIdBytes, (index + 1) * chunkIdBytes);
      const length = cuts.lengths[index] ?? 0;
      const extent = { offset: plainStart + plainOffset - segmentStart, length, chunkId, chunkOffset: 0 };
      extents.push(extent);
      unique.set(chunkKey(chunkId), { ...extent, plainOffset });
    }
    const known = await this.#writer.findKnown(
      'chunk',
      [...unique.values()].map(({ chunkId }) => chunkId),
    );
    const fresh = [...unique].filter(([key]) => !known.has(key)).map(([, chunk]) => chunk);
    const encoded = await this.#encode(fresh);
    this.#count(unique.values(), fresh, encoded);

    const doneBytes = plainStart + cuts.restOffset - segmentStart;
    if (!final) {
      const progress = { ...before, doneBytes, extents };
      await this.#writer.add(encoded, progress);
      return progress;
    }
    const node = extents.length === 0 ? undefined : await this.#encodeNode(extents);
    const progress = { ...before, doneBytes, extents, nodeId: node?.id };
    await this.#writer.add(node?.chunk === undefined ? encoded : [...encoded, node.chunk], progress);
    return progress;
  }

  #count(
    all: Iterable<{ length: number }>,
    fresh: Iterable<{ length: number }>,
    encoded: readonly EncodedChunk[],
  ): void {
    const { counts } = this.#store;
    if (counts === undefined) return;
    const newBytes = sumOf(fresh);
    counts.newBytes += newBytes;
    counts.knownBytes += sumOf(all) - newBytes;
    for (const { bytes } of encoded) counts.encodedBytes += bytes.byteLength;
  }

  async #encode(
    chunks: readonly { chunkId: Uint8Array; plainOffset: number; length: number }[],
  ): Promise<EncodedChunk[]> {
    if (chunks.length === 0) return [];
    const output = await this.#store.threads.run('encode', {
      plain: this.#plain,
      offsets: Uint32Array.from(chunks, ({ plainOffset }) => plainOffset),
      lengths: Uint32Array.from(chunks, ({ length }) => length),
      encoded: this.#encoded,
    });
    let place = 0;
    return chunks.map(({ chunkId, length }, index) => {
      const bytes = new Uint8Array(this.#encoded, place, output.lengths[index] ?? 0);
      place += bytes.byteLength;
      const encoding = output.encodings[index] ?? 'plain';
      return { id: chunkId, kind: 'chunk', encoding, plainLength: length, crc: output.crcs[index] ?? 0, bytes };
    });
  }

  /** The segment's node, and its bytes if the store has none like it. */
  async #encodeNode(extents: readonly ManifestExtent[]): Promise<{ id: Uint8Array; chunk: EncodedChunk | undefined }> {
    const chunk = encodeNode(encodeSegment(extents));
    const known = await this.#writer.findKnown('node', [chunk.id]);
    return { id: chunk.id, chunk: known.has(chunkKey(chunk.id)) ? undefined : chunk };
  }
}

/** A manifest node, ready to be stored. Nodes are small: no thread is needed. */
export function encodeNode(plain: Uint8Array): EncodedChunk {
  const { encoding, bytes } = encodeChunk(plain);
  return { id: chunkIdOf(plain), kind: 'node', encoding, plainLength: plain.byteLength, crc: crc32(bytes), bytes };
}

function sumOf(chunks: Iterable<{ readonly length: number }>): number {
  let total = 0;
  for (const { length } of chunks) total += length;
  return total;
}

/** What there is to store of a hole when no chunk is open. */
const noCuts: CutOutput = {
  ids: new Uint8Array(),
  offsets: new Uint32Array(),
  lengths: new Uint32Array(),
  restOffset: 0,
  restLength: 0,
  leaves: [],
};

function holeLeaves({ length }: GuestStripe): SparseDigest[] {
  return Array.from({ length: Math.ceil(length / leafBytes) }, () => undefined);
}
