import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFragileOverlay } from './fragile-overlay.ts';
import { createRandom } from './random.ts';
import type { FileFault } from './volatile-files.ts';

/** A busy machine tries less in place of taking longer. */
const tryForMs = Number(process.env.OBRAZ_TEST_MS ?? 8_000);
const kinds: readonly FileFault['does'][] = ['cut before', 'cut after', 'kill before', 'kill after', 'EIO', 'ENOSPC'];

test('what a flush or a durable change acknowledged outlives kills, power cuts and failing calls', {
  timeout: 120_000,
}, async () => {
  const begun = performance.now();
  let cuts = 0;
  for (let seed = Number(process.env.OBRAZ_TEST_SEED ?? 1); performance.now() - begun < tryForMs; seed += 1) {
    const random = createRandom(seed);
    await using overlay = await openFragileOverlay(random);
    let calls = 60;
    for (let round = 0; round < 12; round += 1) {
      const fault: FileFault | undefined =
        round % 6 === 5 ? undefined : { call: 1 + random.below(calls), does: random.pick(kinds) };
      try {
        const done = await overlay.round(fault);
        if (done.isCut) cuts += 1;
        calls = Math.max(20, done.calls);
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}, ${fault?.does} at call ${fault?.call}`, { cause: error });
      }
    }
  }
  assert.ok(cuts > 0, 'the power was cut at all');
});
