import type { Transaction } from '../db/database.ts';
import { DatabaseFailed } from '../db/database-failed.ts';
import { hasPassed } from '../lib/has-passed.ts';
import { newBlobName } from '../lib/ids.ts';
import { Mutex } from '../lib/mutex.ts';
import { type ChunkId, chunkKey } from './chunk-id.ts';
import { findChunks, findQuarantined, insertChunks } from './chunk-rows.ts';
import { sumDoneBytes, upsertSegmentCheckpoint } from './import-segment-rows.ts';
import { segmentBytes } from './manifest.ts';
import { copySegmentPacks, findWinners, insertSegmentPacks } from './manifest-rows.ts';
import type { EntryKind } from './pack-format.ts';
import {
  copyPins,
  findLivePacks,
  findPinnedPacks,
  insertWritingPack,
  markPackLive,
  pinPacks,
  type WriterLease,
} from './pack-rows.ts';
import { type EncodedChunk, PackWriter, type SealedPack } from './pack-writer.ts';
import { chunkIdsOf, type SegmentProgress } from './segment-progress.ts';
import { SpareMemory } from './spare-memory.ts';
import type { Store } from './store.ts';

/** A pack is closed at this size, */
const packBytes = 32 * 1024 * 1024;
/** or when its first byte is this old, so that a crash costs no more than that and the time of a commit. */
const packAgeMs = 5_000;

export interface VolumeWriterOptions {
  readonly domainId: string;
  /** In whose name: nothing is committed once it is lost. */
  readonly lease: WriterLease;
  /** More to write in the transaction of each checkpoint, which makes `doneBytes` of the segments durable in all. */
  readonly onCheckpoint?: (tx: Transaction, doneBytes: number) => Promise<void>;
}

/** What is committed together: at most one pack, and the progress of segments that needs it or an earlier one. */
interface Batch {
  pack: PackWriter | undefined;
  readonly segments: Map<number, SegmentProgress>;
  readonly begunAt: number;
}

/**
 * Writes chunks and nodes into packs and keeps the progress of segments, in batches that are committed in the order
 * fixed by docs/durability.md: row of the pack, bytes, fsync and rename, one transaction that makes all of it count.
 *
 * A batch's progress names only chunks of its own pack, of earlier batches, or of packs that this operation has pinned,
 * and batches commit in order: a checkpoint never refers to what is not durable.
 *
 * Methods may be called from many lanes at once. After a failure every call throws it. Dispose to drop what is open.
 */
export class VolumeWriter implements AsyncDisposable {
  readonly #store: Store;
  readonly #options: VolumeWriterOptions;
  /** Packs this operation holds: a chunk that is in one of them needs no look at the pack. */
  readonly #pinned: Set<string>;
  /** Chunks and nodes of packs that are not committed yet. */
  readonly #uncommitted = new Set<string>();
  readonly #adding = new Mutex();
  /** For reading packs back; one is sealed at a time. */
  readonly #readBack = new SpareMemory();
  readonly #timer: NodeJS.Timeout;
  #batch: Batch | undefined;
  /** The commits so far, in order; rejects once one has failed. */
  #committed: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  private constructor(store: Store, options: VolumeWriterOptions, pinned: Set<string>) {
    this.#store = store;
    this.#options = options;
    this.#pinned = pinned;
    this.#timer = setInterval(() => this.#commitIfOld(), 1_000);
    this.#timer.unref();
  }

  static async open(store: Store, options: VolumeWriterOptions): Promise<VolumeWriter> {
    return new VolumeWriter(store, options, await findPinnedPacks(store.db.read, options.lease.operationId));
  }

  /**
   * Which of the ids need not be stored again: the index has them, in a pack that is pinned by now, or they are on their
   * way in this very writer.
   */
  async findKnown(kind: EntryKind, ids: readonly ChunkId[]): Promise<Set<string>> {
    this.#throwIfFailed();
    const known = new Set<string>();
    const unknown = ids.filter((id) => {
      const onItsWay = this.#uncommitted.has(entryKey(kind, id));
      if (onItsWay) known.add(chunkKey(id));
      return !onItsWay;
    });
    const { domainId } = this.#options;
    const places = await findChunks(this.#store.db.read, domainId, kind, unknown);
    const toPin: ChunkId[] = [];
    for (const { id, packId } of places) {
      if (this.#pinned.has(packId)) known.add(chunkKey(id));
      else toPin.push(id);
    }
    if (toPin.length > 0) for (const key of await this.#pin(kind, toPin)) known.add(key);
    return known;
  }

  /** Looks again and pins, in one transaction: between the first look and this one a pack may have been condemned. */
  async #pin(kind: EntryKind, ids: readonly ChunkId[]): Promise<string[]> {
    const { db, leases } = this.#store;
    const { domainId, lease } = this.#options;
    const { live, keys } = await db.transact(async (tx) => {
      await leases.assertHeld(tx, lease);
      const places = await findChunks(tx, domainId, kind, ids);
      const live = await findLivePacks(tx, [...new Set(places.map(({ packId }) => packId))]);
      await pinPacks(tx, lease.operationId, [...live]);
      const keys = places.filter(({ packId }) => live.has(packId)).map(({ id }) => chunkKey(id));
      return { live, keys };
    });
    for (const packId of live) this.#pinned.add(packId);
    return keys;
  }

  /**
   * Stores chunks and takes note of a segment's progress, which may name any chunk that `findKnown` called known or that
   * was added before. The chunks' bytes may be used again once it returns. Waits while a pack is being committed.
   */
  add(chunks: readonly EncodedChunk[], segment?: SegmentProgress): Promise<void> {
    return this.#adding.run(async () => {
      this.#throwIfFailed();
      const batch = this.#openBatch();
      try {
        // Two lanes may have met the same new chunk at the same time.
        const fresh = chunks.filter(({ kind, id }) => !this.#uncommitted.has(entryKey(kind, id)));
        if (fresh.length > 0) {
          batch.pack ??= await this.#openPack();
          await batch.pack.append(fresh);
          for (const { kind, id } of fresh) this.#uncommitted.add(entryKey(kind, id));
        }
      } catch (error) {
        this.#fail(error);
        throw error;
      }
      if (segment !== undefined) batch.segments.set(segment.index, segment);
      if ((batch.pack?.sizeBytes ?? 0) >= packBytes || this.#isOld(batch)) await this.#commitBatch();
    });
  }

  /** Commits what is open, and waits until all is durable. */
  async flush(): Promise<void> {
    await this.#adding.run(() => this.#commitBatch());
    await this.#committed;
    this.#throwIfFailed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#failure ??= { error: new Error('the writer is closed') };
    await this.#adding.run(async () => {
      await this.#batch?.pack?.[Symbol.asyncDispose]();
      this.#batch = undefined;
    });
    await this.#committed.catch(() => {});
  }

  #openBatch(): Batch {
    this.#batch ??= { pack: undefined, segments: new Map(), begunAt: this.#store.now() };
    return this.#batch;
  }

  async #openPack(): Promise<PackWriter> {
    const { db, blobs, leases, now } = this.#store;
    const { domainId, lease } = this.#options;
    const id = newBlobName();
    await db.transact(async (tx) => {
      await leases.assertHeld(tx, lease);
      await insertWritingPack(tx, { id, domainId, lease, now: now() });
    });
    return PackWriter.open(blobs, id, domainId);
  }

  #isOld({ begunAt }: Batch): boolean {
    return hasPassed(packAgeMs, { since: begunAt, now: this.#store.now() });
  }

  #commitIfOld(): void {
    if (this.#batch === undefined || !this.#isOld(this.#batch)) return;
    // A failure is kept, and thrown by whoever comes next.
    this.#adding.run(() => this.#commitBatch()).catch(() => {});
  }

  /** Hands the open batch to its commit. Waits for the one before: one is open, one on its way, never more. */
  async #commitBatch(): Promise<void> {
    const batch = this.#batch;
    if (batch === undefined) return;
    await this.#committed;
    this.#throwIfFailed();
    this.#batch = undefined;
    this.#committed = this.#commit(batch).catch((error: unknown) => this.#fail(error));
  }

  async #commit(batch: Batch): Promise<void> {
    await using pack = batch.pack;
    const sealed = await pack?.seal(this.#readBack);
    const { db, blobs, leases } = this.#store;
    const { lease, onCheckpoint } = this.#options;
    const commit = db.transact(async (tx) => {
      await leases.assertHeld(tx, lease);
      const winners = sealed === undefined ? [] : await this.#commitPack(tx, sealed);
      for (const segment of batch.segments.values()) await this.#commitSegment(tx, segment);
      await onCheckpoint?.(tx, await sumDoneBytes(tx, lease.operationId));
      return winners;
    });
    const pinned = await commit.catch(async (error: unknown) => {
      // Taken over: its row may be gone already, and then nobody would look for the blob before the next start. Of a
      // database that failed we don't know whether it has committed.
      if (sealed !== undefined && !(error instanceof DatabaseFailed)) await blobs.delete(sealed.id);
      throw error;
    });
    for (const packId of pinned) this.#pinned.add(packId);
    if (sealed === undefined) return;
    this.#pinned.add(sealed.id);
    for (const { kind, id } of sealed.entries) this.#uncommitted.delete(entryKey(kind, id));
  }

  /** The pack's entries enter the index. Returns the packs that had some of them before, pinned now. */
  async #commitPack(tx: Transaction, pack: SealedPack): Promise<string[]> {
    const { domainId, lease } = this.#options;
    const ids = pack.entries.map(({ id }) => id);
    const quarantined = await findQuarantined(tx, domainId, ids);
    await markPackLive(tx, pack.id, pack.sizeBytes);
    await insertChunks(tx, domainId, pack.id, pack.entries);
    // The bytes are good again, here: whoever needed them from the old pack needs this one.
    for (const packId of new Set(quarantined.map((chunk) => chunk.packId))) {
      await copySegmentPacks(tx, domainId, [packId], pack.id);
      await copyPins(tx, packId, pack.id);
    }
    const winners = new Set<string>();
    for (const kind of ['chunk', 'node'] as const) {
      const ofKind = pack.entries.filter((entry) => entry.kind === kind).map(({ id }) => id);
      for (const { packId } of await findChunks(tx, domainId, kind, ofKind)) winners.add(packId);
    }
    winners.delete(pack.id);
    const others = await findLivePacks(tx, [...winners]);
    await pinPacks(tx, lease.operationId, [...others]);
    return [...others];
  }

  async #commitSegment(tx: Transaction, segment: SegmentProgress): Promise<void> {
    const { domainId, lease } = this.#options;
    const { index, doneBytes, extents, nodeId, digest } = segment;
    if (doneBytes > segmentBytes) throw new RangeError(`segment ${index} cannot be ${doneBytes} bytes long`);
    let storedBytes = 0;
    if (nodeId !== undefined) {
      // From the winners, never from where we wrote: another import may have been first.
      const chunks = await findWinners(tx, domainId, 'chunk', chunkIdsOf(segment));
      const node = await findWinners(tx, domainId, 'node', [nodeId]);
      await insertSegmentPacks(tx, domainId, nodeId, chunks.packIds.union(node.packIds));
      storedBytes = chunks.storedBytes + node.storedBytes;
    }
    const writer = { operationId: lease.operationId, domainId };
    await upsertSegmentCheckpoint(tx, writer, {
      index,
      doneBytes,
      extents,
      nodeId,
      digest,
      storedBytes,
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function entryKey(kind: EntryKind, id: ChunkId): string {
  return `${kind} ${chunkKey(id)}`;
}
