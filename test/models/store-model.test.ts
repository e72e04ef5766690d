import { test } from 'node:test';
import { assertBreaks, assertHolds } from './check-model.ts';
import { type Guard, guards, type StoreSize } from './store-guards.ts';
import { createStoreModel } from './store-model.ts';

const sizes: readonly StoreSize[] = [
  { operations: ['y'], faults: 2 },
  { operations: ['z'], faults: 2 },
  { operations: ['x', 'y'], faults: 1 },
  { operations: ['x', 'compaction'], faults: 1 },
  { operations: ['z', 'compaction'], faults: 1 },
  { operations: ['y'], faults: 3, only: ['backup', 'restore', 'delete', 'cancel'] },
  { operations: ['x'], faults: 3, only: ['damage', 'release', 'kill'] },
];

for (const size of sizes) {
  const { operations, faults, only } = size;
  test(`the store holds: ${operations.join(' and ')}, any ${faults} faults${only ? ` of ${only.join(', ')}` : ''}`, (t) => {
    assertHolds(t, createStoreModel(size));
  });
}

const alone: StoreSize = { operations: ['x'], faults: 2 };
const twoImports: StoreSize = { operations: ['x', 'y'], faults: 1 };
const healed: StoreSize = { operations: ['x', 'y'], faults: 2, only: ['damage', 'cancel'] };
const released: StoreSize = { operations: ['x'], faults: 3, only: ['damage', 'release'] };
const kept: StoreSize = { operations: ['z'], faults: 2 };
const compacted: StoreSize = { operations: ['x', 'compaction'], faults: 1 };
const fresh: StoreSize = { operations: ['y'], faults: 1 };
const inBatches: StoreSize = { operations: ['y'], faults: 2 };
const restored: StoreSize = { operations: ['y'], faults: 3, only: ['backup', 'restore', 'delete', 'cancel'] };

/** Where each guard is needed: the smallest that shows it. */
const needed: Readonly<Record<Guard, StoreSize>> = {
  pinLooksAgain: healed,
  workChecksLease: alone,
  writerPins: alone,
  commitPinsWinners: healed,
  needsFromWinners: twoImports,
  firstWins: twoImports,
  healCopiesNeeds: inBatches,
  healCopiesPins: healed,
  sealAsksForDamage: alone,
  damageIsOfItsTime: released,
  damageDropsCheckpoint: alone,
  keptAsksForBase: kept,
  keptAsksForDamage: kept,
  endUnpins: alone,
  collectAsksForPins: alone,
  collectAsksForNeeds: alone,
  condemnLeavesIndex: alone,
  nodesOfCheckpointsStay: alone,
  nodesBelowStay: kept,
  deletionLoosens: alone,
  endLoosens: fresh,
  dropLoosensBelow: kept,
  abandonedAsksForState: alone,
  abandonedAsksForLease: alone,
  orphansAreSwept: kept,
  moveAsksForPins: compacted,
  moveAsksForNodes: compacted,
  moveCopiesNeeds: compacted,
  deletionIsDelayed: restored,
  restoreForgetsLost: restored,
};

for (const [guard, size] of Object.entries(needed)) {
  const name = guard as Guard; // Object.entries forgets what the keys are
  test(`the model of the store needs ${guards[name]}`, (t) => {
    assertBreaks(t, createStoreModel(size, name), 20);
  });
}
