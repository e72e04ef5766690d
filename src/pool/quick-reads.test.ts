import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuickReads } from './quick-reads.ts';

test('a slow read sends those behind it to threads for a while', () => {
  let now = 1;
  const quick = new QuickReads(() => now);
  const read = (ms: number) =>
    quick.time(() => {
      now += ms;
      return 'bytes';
    });
  assert.equal(quick.mayRead(), true);
  assert.equal(read(0.01), 'bytes');
  assert.equal(quick.mayRead(), true);
  read(5);
  assert.equal(quick.mayRead(), false);
  now += 99;
  assert.equal(quick.mayRead(), false);
  now += 1;
  assert.equal(quick.mayRead(), true);
  assert.throws(() =>
    quick.time(() => {
      now += 5;
      throw new Error('EIO');
    }),
  );
  assert.equal(quick.mayRead(), false);
});
