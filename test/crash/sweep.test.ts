import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOn } from '../fixtures/run-servers.ts';
import { sweep } from './sweep.ts';

/** What a build can wait for, and what a person can; docs/durability.md has the figures of the long runs. */
const secondsInAll = process.env.CI === 'true' ? 120 : 60;

interface Way {
  readonly when: string;
  readonly processes: number;
  readonly shakes: boolean;
}

const alone: Way = { when: 'wherever it is killed', processes: 1, shakes: false };
const ways: readonly Way[] =
  runOn === 'sqlite+local'
    ? [alone]
    : [
        alone,
        { when: 'whichever of two processes is killed, wherever it is', processes: 2, shakes: false },
        { when: 'when servers die and lie, lines are dead and clocks step, besides', processes: 2, shakes: true },
      ];

for (const { when, processes, shakes } of ways) {
  test(`loses nothing that was acknowledged, ${when}`, async (t) => {
    const seed = Date.now() % 1_000_000;
    t.diagnostic(
      `seed ${seed}: node test/crash/sweep.ts --seed ${seed} --processes ${processes}${shakes ? ' --shakes' : ''}`,
    );
    const maxMs = (secondsInAll * 1000) / ways.length;
    const done = await sweep({ seed, kills: 200, maxMs, processes, shakes });
    const { kills, failures, killsByPoint, places, imagesChecked } = done;
    t.diagnostic(
      `${kills} kills, ${failures} failures, ${killsByPoint.size} of ${places} places, ${imagesChecked} images`,
    );
    assert.ok(imagesChecked > 0);
  });
}
