import { test } from 'node:test';
import { assertBreaks, assertHolds } from './check-model.ts';
import { createLeaseWatchModel, type WatchGuard, type WatchSize, watchGuards } from './lease-watch-model.ts';

/** As the runner's defaults are: 30 s, 10 s, 1 s. */
const size: WatchSize = { processes: 2, leaseTicks: 6, renewTicks: 2, beatTicks: 1 };

test('a lease is kept by who renews it and comes free behind who died, whatever the clocks on the walls show', (t) => {
  assertHolds(t, createLeaseWatchModel(size));
});

test('the same with three processes', (t) => {
  assertHolds(t, createLeaseWatchModel({ ...size, processes: 3, leaseTicks: 3, renewTicks: 1 }));
});

test('with renewals that come too late a lease is taken from who renews it', (t) => {
  assertBreaks(t, createLeaseWatchModel({ ...size, renewTicks: 6 }), 30);
});

for (const [guard, where] of Object.entries(watchGuards)) {
  test(`the model of watched leases needs ${where}`, (t) => {
    assertBreaks(t, createLeaseWatchModel(size, guard as WatchGuard), 30); // Object.entries forgets what the keys are
  });
}
