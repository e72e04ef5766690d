import assert from 'node:assert/strict';
import test from 'node:test';
import { settleAll } from './settle-all.ts';

test('gives all values in order, and throws only when nothing is under way any more', async () => {
  assert.deepEqual(await settleAll([Promise.resolve(1), Promise.resolve(2)]), [1, 2]);
  const slow = Promise.withResolvers<number>();
  let hasEnded = false;
  const settling = settleAll([slow.promise, Promise.reject(new Error('second'))]).catch((error: unknown) => {
    hasEnded = true;
    return error;
  });
  await new Promise(setImmediate);
  assert.equal(hasEnded, false);
  slow.reject(new Error('first'));
  assert.deepEqual(await settling, new Error('first'));
});
