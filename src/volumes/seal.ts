import type { Transaction } from '../db/database.ts';
import type { ChunkId } from './chunk-id.ts';
import { deleteAllSegmentCheckpoints, dropAllSegmentCheckpoints } from './import-segment-rows.ts';
import { findWinners, hasEdges, insertEdges, insertSegmentPacks } from './manifest-rows.ts';
import { markPinnedPacksSealed, unpinPacks, type WriterLease } from './pack-rows.ts';
import { findQuarantinedPins, type KnownDamage, QuarantinedMeanwhile } from './quarantine.ts';
import { insertVolume, type Volume } from './volume-rows.ts';

/** The nodes of a volume above its segments. */
export interface VolumeTree {
  readonly rootId: ChunkId;
  readonly guestDigest: Uint8Array;
  /** Those that were put together of their segments. */
  readonly lists: readonly { readonly id: ChunkId; readonly segments: readonly ChunkId[] }[];
  /** Those of a volume that is there (KeptSegments): their packs and their segments are written down already. */
  readonly keptLists: readonly ChunkId[];
}

/**
 * Seals a volume whose chunks and nodes are all durable: its tree is written down, its row made (or the one with the
 * same content found), and what the operation held by pins is held by the tree from here on.
 *
 * Part of the transaction that also makes the image READY and the operation done. `knownDamage` is what was in quarantine
 * before the volume's chunks were looked up (dropQuarantinedSegments).
 *
 * @throws QuarantinedMeanwhile when a chunk that the volume may need was found damaged since it was looked up
 */
export async function commitVolume(
  tx: Transaction,
  volume: Volume,
  tree: VolumeTree,
  lease: WriterLease,
  knownDamage: KnownDamage,
  now: number,
): Promise<Volume> {
  const { domainId } = volume;
  const damaged = await findQuarantinedPins(tx, domainId, lease.operationId, knownDamage);
  if (damaged.length > 0) throw new QuarantinedMeanwhile(damaged);

  for (const { id, segments } of tree.lists) {
    await keepNode(tx, domainId, id);
    // Of a list that another volume has, too, all is known: there may be thousands like it.
    if (!(await hasEdges(tx, domainId, id))) await insertEdges(tx, domainId, id, segments);
  }
  await keepNode(tx, domainId, tree.rootId);
  const listIds = [...tree.lists.map(({ id }) => id), ...tree.keptLists];
  await insertEdges(tx, domainId, tree.rootId, listIds);

  const sealed = await insertVolume(tx, volume, now);
  await markPinnedPacksSealed(tx, lease.operationId);
  await unpinPacks(tx, lease.operationId);
  await deleteAllSegmentCheckpoints(tx, lease.operationId);
  return sealed;
}

/** The operation writes no volume any more: what it did not seal is garbage from now on. May be repeated. */
export async function releaseVolumeWriter(tx: Transaction, operationId: string): Promise<void> {
  await unpinPacks(tx, operationId);
  await dropAllSegmentCheckpoints(tx, operationId);
}

async function keepNode(tx: Transaction, domainId: string, nodeId: ChunkId): Promise<void> {
  const { packIds } = await findWinners(tx, domainId, 'node', [nodeId]);
  await insertSegmentPacks(tx, domainId, nodeId, packIds);
}
