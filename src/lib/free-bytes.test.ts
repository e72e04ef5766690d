import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBytes } from './free-bytes.ts';

test('gives back memory of the length that was allocated', () => {
  const bytes = new Uint8Array(100_000).subarray(0, 10);
  freeBytes(bytes, 100_000);
  assert.equal(bytes.length, 0);
});

test('leaves memory alone that others may use', () => {
  const pooled = Buffer.from('cut from a pool');
  freeBytes(pooled, pooled.length);
  assert.equal(pooled.toString(), 'cut from a pool');
  const shared = new Uint8Array(new SharedArrayBuffer(10));
  freeBytes(shared, 10);
  assert.equal(shared.length, 10);
});
