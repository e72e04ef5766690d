import type { Content } from './store-state.ts';

/** What the code checks, by where. Without one of them something of the model must break, or it is a model of nothing. */
export const guards = {
  pinLooksAgain: 'volume-writer.ts #pin: looks again in the transaction that pins',
  workChecksLease: 'every transaction of the work: leases.assertHeld',
  writerPins: 'pack-rows.ts insertWritingPack: pinned by its writer',
  commitPinsWinners: 'volume-writer.ts #commitPack: pins the packs of winners',
  needsFromWinners: 'volume-writer.ts #commitSegment: needs are read from the index',
  firstWins: 'chunk-rows.ts insertChunks: an earlier copy stays',
  healCopiesNeeds: 'volume-writer.ts #commitPack: copySegmentPacks of what is healed',
  healCopiesPins: 'volume-writer.ts #commitPack: copyPins of what is healed',
  sealAsksForDamage: 'seal.ts commitVolume: findQuarantinedPins',
  damageIsOfItsTime: 'quarantine.ts copyKey: how often it was found damaged',
  damageDropsCheckpoint: 'quarantine.ts dropQuarantinedSegments: the segment is written again',
  keptAsksForBase: 'kept-segments.ts assertKept: the volume is there',
  keptAsksForDamage: 'kept-segments.ts assertKept: nothing is damaged',
  endUnpins: 'seal.ts releaseVolumeWriter: unpinPacks',
  collectAsksForPins: 'collect-garbage.ts condemnPacks: no pins',
  collectAsksForNeeds: 'collect-garbage.ts condemnPacks: no needs',
  condemnLeavesIndex: 'collect-garbage.ts condemnPacks: deleteChunksOfPacks in the same transaction',
  nodesOfCheckpointsStay: 'loose-nodes.ts findUnheld: not those of import_segments',
  nodesBelowStay: 'loose-nodes.ts findUnheld: not those with a node above',
  deletionLoosens: 'collect-garbage.ts deleteUnreferencedVolumes: loosenNodes',
  endLoosens: 'import-segment-rows.ts dropAllSegmentCheckpoints: loosenSegments',
  dropLoosensBelow: 'loose-nodes.ts drop: loosenNodes of what is below',
  abandonedAsksForState: "collect-garbage.ts condemnAbandonedPacks: state = 'writing' once more",
  abandonedAsksForLease: 'collect-garbage.ts condemnAbandonedPacks: leases.isHeld',
  orphansAreSwept: 'collect-garbage.ts sweepOrphanBlobs',
  moveAsksForPins: 'compact-group.ts findAsTheyWere: no pins',
  moveAsksForNodes: 'compact-group.ts findAsTheyWere: no other nodes',
  moveCopiesNeeds: 'compact-group.ts commitMove: copySegmentPacks',
  deletionIsDelayed: 'collect-garbage.ts deleteCondemnedPacks: what was sealed waits longer than a backup is kept',
  restoreForgetsLost: 'forget-lost-packs.ts: at a start, what was never sealed and is gone',
} as const;

export type Guard = keyof typeof guards;

/**
 * What may go wrong, or be asked for in the middle of everything: a worker is killed; it is taken over though it lives;
 * an import is cancelled; an image is deleted; a copy is found damaged, or right again; a backup is made, and restored.
 */
export const faults = ['kill', 'takeover', 'cancel', 'delete', 'damage', 'release', 'backup', 'restore'] as const;
export type Fault = (typeof faults)[number];

export interface StoreSize {
  /** What is done: an import of a content, or a compaction. */
  readonly operations: readonly (Content | 'compaction')[];
  /** How many things may go wrong, */
  readonly faults: number;
  /** and which; all by default. */
  readonly only?: readonly Fault[];
}
