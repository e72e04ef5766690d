import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type PoolCandidate, planPool } from './plan-pool.ts';

const candidates = fc
  .array(
    fc.record({
      bytes: fc.integer({ min: 1, max: 100 }),
      isReady: fc.boolean(),
      isHeld: fc.boolean(),
      lastUsedAt: fc.nat(1000),
    }),
    { maxLength: 20 },
  )
  .map((all) => all.map((one, index): PoolCandidate => ({ ...one, volumeId: `volume${index}` })));

/** The pool as it is when the plan was carried out. */
function after(all: readonly PoolCandidate[], limitBytes: number): PoolCandidate[] {
  const { evict, hydrate } = planPool(all, limitBytes);
  const ready = new Set(all.filter(({ isReady }) => isReady).map(({ volumeId }) => volumeId));
  for (const volumeId of evict) ready.delete(volumeId);
  for (const volumeId of hydrate) ready.add(volumeId);
  return all.map((one) => ({ ...one, isReady: ready.has(one.volumeId) }));
}

function bytesOf(all: readonly PoolCandidate[]): number {
  return all.filter(({ isReady }) => isReady).reduce((sum, { bytes }) => sum + bytes, 0);
}

test('stays within its limit but for what is held, never evicts that, and then has nothing more to do', () => {
  fc.assert(
    fc.property(candidates, fc.nat(500), (all, limitBytes) => {
      const then = after(all, limitBytes);
      const held = all.filter(({ isReady, isHeld }) => isReady && isHeld);
      assert.ok(bytesOf(then) <= Math.max(limitBytes, bytesOf(held)));
      for (const { volumeId } of held) assert.ok(then.find((one) => one.volumeId === volumeId)?.isReady);
      // A file that was just written may be held from then on, or not.
      assert.deepEqual(planPool(then, limitBytes), { evict: [], hydrate: [] });
    }),
  );
});

test('the most recently used come first, and smaller ones take what a large one leaves', () => {
  const volume = (volumeId: string, bytes: number, lastUsedAt: number, isReady = false): PoolCandidate => ({
    ...{ volumeId, bytes, lastUsedAt, isReady },
    isHeld: false,
  });
  const all = [volume('old', 40, 1, true), volume('large', 90, 2), volume('new', 50, 3)];
  assert.deepEqual(planPool(all, 95), { evict: [], hydrate: ['new'] });
  assert.deepEqual(planPool(all, 89), { evict: ['old'], hydrate: ['new'] });
  assert.deepEqual(planPool(all, 1000), { evict: [], hydrate: ['new', 'large'] });
});
