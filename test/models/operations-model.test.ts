import { test } from 'node:test';
import { assertBreaks, assertHolds } from './check-model.ts';
import { type Guard, guards, type OperationsSize } from './operations-guards.ts';
import { createOperationsModel } from './operations-model.ts';

const sizes: readonly OperationsSize[] = [
  { processes: 2, requests: 1, maxAttempts: 2, faults: 3 },
  { processes: 3, requests: 1, maxAttempts: 2, faults: 2 },
  { processes: 2, requests: 2, maxAttempts: 1, faults: 1 },
];

for (const size of sizes) {
  const { processes, requests, faults } = size;
  test(`operations hold: ${processes} processes, ${requests} requests, any ${faults} faults`, (t) => {
    assertHolds(t, createOperationsModel(size));
  });
}

for (const [guard, where] of Object.entries(guards)) {
  test(`the model of operations needs ${where}`, (t) => {
    const size = { processes: 2, requests: 1, maxAttempts: 2, faults: 2 };
    assertBreaks(t, createOperationsModel(size, guard as Guard), 14); // Object.entries forgets what the keys are
  });
}
