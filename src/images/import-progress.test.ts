import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '../lib/json.ts';
import { ImportProgress } from './import-progress.ts';

/** An import's progress on a clock that stands still, and what it last reported. */
function follow() {
  let last: JsonObject = {};
  const progress = new ImportProgress(
    (report) => {
      last = report;
    },
    () => 0,
  );
  return { progress, last: () => last, phase: () => last.phase };
}

test('nothing is imported before the disk in the file is known', () => {
  const { progress, last, phase } = follow();
  progress.enter('opening');
  progress.followSource('reading', 5000);
  assert.equal(phase(), 'opening');
  assert.equal(last().bytesTotal, 5000);
  progress.guestBytes = 8000;
  progress.enter('importing');
  progress.followSource('spooling', 5000);
  assert.equal(phase(), 'spooling');
  progress.followSource('reading', 5000);
  assert.equal(phase(), 'importing');
});

test('a file that is copied first has its total while it is copied, if the server tells it', () => {
  for (const [told, total] of [
    [5000, 5000],
    [undefined, 0],
  ] as const) {
    const { progress, last, phase } = follow();
    progress.enter('opening');
    progress.followSource('spooling', told);
    assert.deepEqual([phase(), last().bytesTotal], ['spooling', total]);
    progress.followSource('reading', 5000);
    assert.deepEqual([phase(), last().bytesTotal], ['spooling', 5000]);
  }
});
