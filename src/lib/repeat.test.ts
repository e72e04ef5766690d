import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repeat } from './repeat.ts';

test('runs soon after the first call that wakes it, however many follow', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const run = async () => {
    runs += 1;
  };
  const onError = (error: unknown) => assert.fail(String(error));
  await using repetition = repeat({ everyMs: 60_000, soonMs: 500, run, onError });
  for (let ms = 0; ms < 5_000; ms += 100) {
    repetition.wake();
    t.mock.timers.tick(100);
    await new Promise(setImmediate);
  }
  assert.ok(runs >= 5, `${runs} runs in five seconds of being woken ten times a second`);
});

test('runs once more for what came while it ran, and then as rarely as it is told', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const run = async () => {
    runs += 1;
    if (runs === 1) repetition.wake();
  };
  await using repetition = repeat({ everyMs: 60_000, soonMs: 500, run, onError: () => {} });
  for (let ms = 0; ms < 59_000; ms += 500) {
    t.mock.timers.tick(500);
    await new Promise(setImmediate);
  }
  assert.equal(runs, 2);
});
