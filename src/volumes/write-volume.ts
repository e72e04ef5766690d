import type { Transaction } from '../db/database.ts';
import { newId } from '../lib/ids.ts';
import { type ChunkId, chunkKey } from './chunk-id.ts';
import { digestStoredSegment } from './digest-stored.ts';
import { digestGuestOfLists, digestList, type SparseDigest } from './guest-digest.ts';
import type { GuestReader } from './guest-reader.ts';
import { findSegmentCheckpoints, type SegmentCheckpoint } from './import-segment-rows.ts';
import { type KeptList, KeptSegments } from './kept-segments.ts';
import { encodeList, encodeRoot, listSegments, type ManifestList, type ManifestSegment } from './manifest.ts';
import type { WriterLease } from './pack-rows.ts';
import { dropQuarantinedSegments } from './quarantine.ts';
import { commitVolume, type VolumeTree } from './seal.ts';
import type { SegmentProgress } from './segment-progress.ts';
import type { Store } from './store.ts';
import { encodeNode, storeGuest } from './store-guest.ts';
import type { Volume } from './volume-rows.ts';
import { VolumeWriter } from './volume-writer.ts';

export interface WriteVolumeOptions {
  /** Chunks are shared within it and never outside. */
  readonly domainId: string;
  /** In whose name; an operation that runs again under a new lease goes on where the last one was durable. */
  readonly lease: WriterLease;
  readonly reader: GuestReader;
  readonly signal: AbortSignal;
  /** More for the transaction of each checkpoint, which makes `doneBytes` of the guest durable in all. */
  readonly onCheckpoint?: (tx: Transaction, doneBytes: number) => Promise<void>;
  /** Guest bytes just passed, holes and what an earlier run stored included. */
  readonly onProgress: (guestBytes: number) => void;
}

/** Everything of the volume but its row is durable; `commit` is for the transaction that seals it. */
export interface WrittenVolume {
  readonly sizeBytes: number;
  readonly storedBytes: number;
  /** Makes the volume, or finds the one with the same content, and gives up the operation's pins and checkpoints. */
  commit(tx: Transaction): Promise<Volume>;
}

/** Stores the guest bytes of `reader` as a volume. */
export async function writeVolume(store: Store, options: WriteVolumeOptions): Promise<WrittenVolume> {
  const { domainId, lease, reader, signal } = options;
  const knownDamage = await dropQuarantinedSegments(store, domainId, lease);
  const done = await findSegmentCheckpoints(store.db.read, lease.operationId);
  await using writer = await VolumeWriter.open(store, {
    domainId,
    lease,
    ...(options.onCheckpoint === undefined ? {} : { onCheckpoint: options.onCheckpoint }),
  });
  const resume = new Map(done.map((segment) => [segment.index, toProgress(segment)]));
  const kept = KeptSegments.of(store, domainId, reader, knownDamage);
  await kept?.takeLists(resume.keys(), signal);
  const stored = await storeGuest(store, writer, reader, { signal, resume, kept, onProgress: options.onProgress });
  if (stored.some(({ digest }) => digest === undefined)) await writer.flush(); // they are read back for it
  const complete: ManifestSegment[] = [];
  for (const { index, id, digest } of stored) {
    complete.push({ index, id, digest: digest ?? (await digestStoredSegment(store, domainId, id)) });
  }
  const tree = await storeTree(writer, reader.sizeBytes, complete, kept?.lists ?? new Map());
  await writer.flush();

  const segments = await findSegmentCheckpoints(store.db.read, lease.operationId);
  const written = segments.reduce((sum, segment) => sum + segment.storedBytes, 0);
  const storedBytes = written + ((await kept?.storedBytes()) ?? 0);
  const volume: Volume = {
    id: newId('vol'),
    domainId,
    sizeBytes: reader.sizeBytes,
    rootId: tree.rootId,
    storedBytes,
    guestDigest: tree.guestDigest,
  };
  return {
    sizeBytes: volume.sizeBytes,
    storedBytes,
    async commit(tx) {
      await kept?.assertKept(tx);
      return await commitVolume(tx, volume, tree, lease, knownDamage, store.now());
    },
  };
}

/** Stores the lists over the segments' nodes, and the root over those and the ones that were taken over. */
async function storeTree(
  writer: VolumeWriter,
  sizeBytes: number,
  segments: readonly ManifestSegment[],
  kept: ReadonlyMap<number, KeptList>,
): Promise<VolumeTree> {
  const lists: ManifestList[] = [];
  const digests = new Map<number, SparseDigest>([...kept.values()].map(({ index, digest }) => [index, digest]));
  for (const [index, ofList] of Map.groupBy(segments, (segment) => Math.floor(segment.index / listSegments))) {
    const children = ofList.map((segment) => ({ ...segment, index: segment.index % listSegments }));
    lists.push({ index, id: await storeNode(writer, encodeList(children)), segments: children });
    digests.set(index, digestList(sizeBytes, new Map(children.map(({ index, digest }) => [index, digest]))));
  }
  const guestDigest = digestGuestOfLists(sizeBytes, digests);
  const keptLists = [...kept.values()].map(({ index, nodeId: id }) => ({ index, id }));
  const children = [...lists, ...keptLists].sort((a, b) => a.index - b.index);
  const rootId = await storeNode(writer, encodeRoot({ sizeBytes, guestDigest, lists: children }));
  return {
    rootId,
    guestDigest,
    lists: lists.map(({ id, segments }) => ({ id, segments: segments.map((segment) => segment.id) })),
    keptLists: keptLists.map(({ id }) => id),
  };
}

async function storeNode(writer: VolumeWriter, plain: Uint8Array): Promise<ChunkId> {
  const node = encodeNode(plain);
  const known = await writer.findKnown('node', [node.id]);
  if (!known.has(chunkKey(node.id))) await writer.add([node]);
  return node.id;
}

function toProgress({ index, doneBytes, extents, nodeId, digest }: SegmentCheckpoint): SegmentProgress {
  return { index, doneBytes, extents, nodeId, digest };
}
