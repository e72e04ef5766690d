import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStoreThreads } from '../../src/volumes/store.ts';
import { openFragileStore } from './power-cut.ts';
import { createRandom } from './random.ts';
import type { FileFault } from './volatile-files.ts';

/** By time, as a build can wait for it; docs/durability.md has the figures of a long run. */
const maxMs = Number(process.env.OBRAZ_TEST_POWER_CUT_MS ?? 20_000);
const ways = [
  'cut before',
  'cut after',
  'cut before',
  'cut after',
  'kill before',
  'kill after',
  'EIO',
  'ENOSPC',
] as const;
const roundsOfStore = 12;

test('a power cut, a kill, EIO or ENOSPC at any call of the file system loses nothing that was stored', async (t) => {
  const seed = Number(process.env.OBRAZ_TEST_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const random = createRandom(seed);
  await using threads = createStoreThreads(2);
  const count = { rounds: 0, cuts: 0, readBack: 0 };
  const endAt = performance.now() + maxMs;
  while (performance.now() < endAt) {
    await using store = await openFragileStore(random, threads);
    const story: FileFault[] = [];
    try {
      for (let round = 0; round < roundsOfStore; round += 1) {
        const does = random.pick(ways);
        const fault = { call: 1 + random.below(random.pick([10, 40, 120])), does };
        story.push(fault);
        const result = await store.round(fault);
        count.rounds += 1;
        if (result.isCut) count.cuts += 1;
      }
      await store.end();
    } catch (error) {
      throw new Error(`seed ${seed}, round ${count.rounds}, ${JSON.stringify(story)}`, { cause: error });
    }
    count.readBack += store.readBack;
  }
  t.diagnostic(`${count.rounds} rounds, ${count.cuts} power cuts, ${count.readBack} volumes read back`);
  assert.ok(count.cuts > 0 && count.readBack > 0);
});
