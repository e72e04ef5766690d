import assert from 'node:assert/strict';
import test from 'node:test';
import { Histogram } from './histogram.ts';

test('counts what is at most as large as each bound, and what is larger than all', () => {
  const histogram = new Histogram([1, 2, 4]);
  for (const value of [0, 1, 1.5, 2, 3, 100]) histogram.add(value);
  assert.deepEqual(histogram.atMost(), [2, 4, 5]);
  assert.equal(histogram.count, 6);
  assert.equal(histogram.sum, 107.5);
});

test('is all zeros before the first value', () => {
  const histogram = new Histogram([1]);
  assert.deepEqual([histogram.atMost(), histogram.count, histogram.sum], [[0], 0, 0]);
});
