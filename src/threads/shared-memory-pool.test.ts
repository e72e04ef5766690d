import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedMemoryPool } from './shared-memory-pool.ts';

const mib = 1024 * 1024;

test('lends again what was given back, to one at a time', () => {
  const pool = new SharedMemoryPool();
  const first = pool.lend(mib);
  assert.notEqual(pool.lend(mib).buffer, first.buffer);
  pool.giveBack(first);
  const again = pool.lend(mib - 5);
  assert.equal(again.buffer, first.buffer);
  assert.equal(again.length, mib - 5);
  assert.notEqual(pool.lend(mib).buffer, first.buffer);
});

test('keeps no more than it has to spare', () => {
  const pool = new SharedMemoryPool();
  const lent = Array.from({ length: 40 }, () => pool.lend(mib));
  for (const memory of lent) pool.giveBack(memory);
  const before = new Set(lent.map(({ buffer }) => buffer));
  const again = Array.from({ length: 40 }, () => pool.lend(mib));
  assert.equal(again.filter(({ buffer }) => before.has(buffer)).length, 16);
});
