import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveLeadingFlags } from './leading-flags.ts';

const cases: readonly (readonly [given: string, parsed: string])[] = [
  ['image list', 'image list'],
  ['--folder-name web image list', 'image list --folder-name web'],
  ['--data=d --format json image get x --id y', 'image get x --id y --data=d --format json'],
  ['--help', '--help'],
  ['--format json --help', '--help --format json'],
  ['--version', '--version'],
  ['--data', '--data'],
  ['--data d', '--data d'],
  ['', ''],
];

for (const [given, parsed] of cases) {
  test(`reads "${given}" as "${parsed}"`, () => {
    const words = (text: string) => text.split(' ').filter((word) => word !== '');
    assert.deepEqual(moveLeadingFlags(words(given)), words(parsed));
  });
}
