import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sweep } from './sweep.ts';

/** What a build can wait for, and what a person can; docs/durability.md has the figures of the long run. */
const maxMs = process.env.CI === 'true' ? 100_000 : 60_000;

test('loses nothing that was acknowledged, wherever it is killed', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}: node test/crash/sweep.ts --seed ${seed}`);
  const { kills, failures, killsByPoint, places, imagesChecked } = await sweep({ seed, kills: 200, maxMs });
  t.diagnostic(
    `${kills} kills, ${failures} failures, ${killsByPoint.size} of ${places} places, ${imagesChecked} images`,
  );
  assert.ok(imagesChecked > 0);
});
