import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { RangeLocks } from './range-locks.ts';

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  await turn();
  return (await Promise.race([promise, Promise.resolve('pending')])) === 'pending';
}

test('ranges that do not meet are held at once, others one after the other', async () => {
  const locks = new RangeLocks();
  const first = await locks.lock(0, 10);
  const beside = await locks.lock(10, 20);
  const over = locks.lock(5, 15);
  assert.ok(await isPending(over));
  first();
  assert.ok(await isPending(over));
  beside();
  (await over)();
});

test('who asks for everything is not passed by who asks later', async () => {
  const locks = new RangeLocks();
  const writer = await locks.lock(3, 4);
  const everything = locks.lock(0, Number.POSITIVE_INFINITY);
  const later = locks.lock(100, 101);
  assert.ok(await isPending(later));
  writer();
  const unlock = await everything;
  assert.ok(await isPending(later));
  unlock();
  (await later)();
});
