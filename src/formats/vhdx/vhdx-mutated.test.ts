import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutateVhdx } from '../../../test/fixtures/mutate-vhdx.ts';
import { seededRng } from '../../../test/fixtures/random-choice.ts';
import { SparseSource } from '../../../test/fixtures/sparse-file.ts';
import { tryDisk } from '../../../test/fixtures/try-disk.ts';

test('reads or refuses whatever a VHDX is turned into, and never fails in another way', async () => {
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.noShrink(fc.nat(2 ** 31)), async (seed) => {
      const rng = seededRng(seed);
      const outcome = await tryDisk(new SparseSource(mutateVhdx(rng)), rng);
      const name = outcome.kind === 'read' ? 'read' : outcome.check;
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    }),
    { numRuns: 3000 },
  );
  // Mutations that are all refused at the door would test nothing behind it.
  assert.ok((outcomes.get('read') ?? 0) > 300, JSON.stringify([...outcomes]));
  assert.ok(outcomes.size > 15, JSON.stringify([...outcomes]));
});
