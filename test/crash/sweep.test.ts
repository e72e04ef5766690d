import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOn } from '../fixtures/run-servers.ts';
import type { RolesOfProcesses } from './nodes.ts';
import { allRoles, mixedRoles, sweep } from './sweep.ts';

/** What a build can wait for, and what a person can; docs/durability.md has the figures of the long runs. */
const secondsInAll = process.env.CI === 'true' ? 120 : 60;

interface Way {
  readonly when: string;
  readonly roles: RolesOfProcesses;
  readonly shakes: boolean;
  /** What a person gives to do the same. */
  readonly options: string;
}

const alone: Way = { when: 'wherever it is killed', roles: allRoles(1), shakes: false, options: '' };
const ways: readonly Way[] =
  runOn === 'sqlite+local'
    ? [alone]
    : [
        alone,
        {
          ...{ when: 'whichever of two processes is killed, wherever it is', roles: allRoles(2), shakes: false },
          options: ' --processes 2',
        },
        {
          ...{ when: 'whichever of processes with a role or two each', roles: mixedRoles, shakes: false },
          options: ' --roles',
        },
        {
          ...{ when: 'when servers die and lie, lines are dead and clocks step, besides', roles: allRoles(2) },
          ...{ shakes: true, options: ' --processes 2 --shakes' },
        },
      ];

for (const { when, roles, shakes, options } of ways) {
  test(`loses nothing that was acknowledged, ${when}`, async (t) => {
    const seed = Date.now() % 1_000_000;
    t.diagnostic(`seed ${seed}: node test/crash/sweep.ts --seed ${seed}${options}`);
    const maxMs = (secondsInAll * 1000) / ways.length;
    const done = await sweep({ seed, kills: 200, maxMs, roles, shakes });
    const { kills, failures, killsByPoint, places, imagesChecked, copiesChecked } = done;
    t.diagnostic(
      `${kills} kills, ${failures} failures, ${killsByPoint.size} of ${places} places, ${imagesChecked} images, ${copiesChecked} copies of disks`,
    );
    assert.ok(imagesChecked > 0);
  });
}
