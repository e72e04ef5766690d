import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBytes } from './copy-bytes.ts';

test('copies a view into shared memory, at any offset', () => {
  const source = Uint8Array.from([0, 1, 2, 3, 4]).subarray(1, 4);
  const target = new Uint8Array(new SharedArrayBuffer(8)).subarray(2);
  copyBytes(source, target, 3);
  assert.deepEqual([...target], [0, 0, 0, 1, 2, 3]);
});

test('copies all or nothing', () => {
  const target = new Uint8Array(4);
  assert.throws(() => copyBytes(new Uint8Array(3).fill(1), target, 2), RangeError);
  assert.deepEqual([...target], [0, 0, 0, 0]);
});
