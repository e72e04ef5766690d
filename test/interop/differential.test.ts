import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutQemu } from '../fixtures/qemu.ts';
import { isDifferenceOf, loadExpectedDifferences, qemuVersion } from './differential/expected-differences.ts';
import { formats, makings, noTotals, runImage } from './differential/run-images.ts';

/** A run by hand (differential.ts) compares as many as one likes; this one finds what a change broke in plain sight. */
const secondsEach = 0.9;

const seed = Number(process.env.OBRAZ_TEST_SEED ?? Date.now() % 1_000_000);

describe(`Obraz and qemu-img read the same disk (OBRAZ_TEST_SEED=${seed})`, { skip: withoutQemu }, () => {
  for (const making of makings) {
    for (const format of formats) {
      test(`from ${format} images, ${making}`, async (context) => {
        const version = await qemuVersion();
        const differences = loadExpectedDifferences().filter((difference) => isDifferenceOf(difference, version));
        const totals = noTotals();
        const end = performance.now() + secondsEach * 1000;
        for (let image = 0; image < 3 || performance.now() < end; image++) {
          await runImage({ making, format, seed, image }, differences, totals);
        }
        const { images, compared, bytes, refused, damaged } = totals;
        context.diagnostic(`${images} images, ${compared} compared (${bytes} bytes), ${refused} refused`);
        if (making !== 'mutated') assert.equal(compared + damaged, images);
      });
    }
  }
});
