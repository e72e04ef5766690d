import assert from 'node:assert/strict';
import test from 'node:test';
import { remembered } from './remembered.ts';

test('does the work once for all who ask while it is under way, and for a while after', async () => {
  let times = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const ask = remembered(60_000, async () => {
    times += 1;
    await promise;
    return times;
  });
  const both = [ask(), ask()];
  resolve();
  assert.deepEqual(await Promise.all(both), [1, 1]);
  assert.equal(await ask(), 1);
});

test('does it again when the time is over', async () => {
  let times = 0;
  const ask = remembered(0, async () => {
    times += 1;
    return times;
  });
  await ask();
  while ((await ask()) < 3) await new Promise(setImmediate);
  assert.equal(times, 3);
});

test('does not keep a failure', async () => {
  let times = 0;
  const ask = remembered(60_000, async () => {
    times += 1;
    if (times === 1) throw new Error('once');
    return 'well';
  });
  await assert.rejects(ask(), /once/);
  assert.equal(await ask(), 'well');
});
