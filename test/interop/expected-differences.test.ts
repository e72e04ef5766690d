import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';
import { type Comparison, describeComparison, readWithOurs, readWithQemu } from './differential/compare-with-qemu.ts';
import {
  type ExpectedDifference,
  explain,
  isDifferenceOf,
  loadExpectedDifferences,
  qemuVersion,
} from './differential/expected-differences.ts';
import type { Folder } from './differential/known-difference.ts';

const differences = loadExpectedDifferences();
const version = withoutQemu === false ? await qemuVersion() : [];

describe('Obraz and qemu-img disagree as expected-differences.yaml says', { skip: withoutQemu }, () => {
  for (const difference of differences) {
    test(difference.id, async () => {
      await using folder = await temporaryFolder();
      const comparison = await compareMade(difference, folder);
      const description = describeComparison(comparison);
      if (isDifferenceOf(difference, version)) {
        assert.equal(outcomeOf(comparison), difference.outcome, description);
        if (comparison.ours.kind === 'refused') assert.equal(comparison.ours.check, difference.check);
      } else {
        assert.equal(outcomeOf(comparison), 'agreed', description);
        return;
      }
      // What may be met in other files is known again by its predicate, and nothing is left behind it.
      if (difference.recognises === undefined) return;
      const explained = await explain(comparison, [difference]);
      assert.deepEqual(explained, [difference.id], description);
    });
  }
});

async function compareMade(
  { make, theirs = (path) => readWithQemu(path) }: ExpectedDifference,
  folder: Folder,
): Promise<Comparison> {
  const made = await make(folder);
  const path = typeof made === 'string' ? made : folder.path('made');
  if (typeof made !== 'string') await writeFile(path, made);
  return { path, ours: await readWithOurs(path), theirs: await theirs(path) };
}

test('a difference is expected of versions before the first that agrees', () => {
  const isExpected = (until: string | undefined, ...numbers: number[]) => isDifferenceOf({ until }, numbers);
  assert.deepEqual(
    [isExpected(undefined, 99, 0, 0), isExpected('10.0.0', 9, 2, 5), isExpected('10.0.0', 7, 2, 22)],
    [true, true, true],
  );
  assert.deepEqual(
    [isExpected('10.0.0', 10, 0, 0), isExpected('10.0.0', 10, 0, 1), isExpected('9.2.0', 10, 1, 0)],
    [false, false, false],
  );
});

function outcomeOf({ ours, theirs }: Comparison): string {
  if (ours.kind === 'read' && theirs.kind === 'read') {
    return ours.bytes.equals(theirs.bytes) ? 'agreed' : 'other-bytes';
  }
  if (ours.kind === 'read') return 'only-obraz';
  return theirs.kind === 'read' ? 'only-qemu-img' : 'agreed';
}
