import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCommit } from './group-commit.ts';

test('who asks together shares a run, who asks during one gets the next', async () => {
  const ends: (() => void)[] = [];
  const commit = new GroupCommit(() => new Promise<void>((resolve) => ends.push(resolve)));
  const first = [commit.wait(), commit.wait()];
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(ends.length, 1);
  const second = [commit.wait(), commit.wait(), commit.wait()];
  ends[0]?.();
  await Promise.all(first);
  assert.equal(ends.length, 2);
  ends[1]?.();
  await Promise.all(second);
});

test('a run that fails, fails for those who waited for it and for nobody else', async () => {
  let runs = 0;
  const commit = new GroupCommit(async () => {
    runs += 1;
    if (runs === 1) throw new Error('no');
  });
  const failing = [commit.wait(), commit.wait()];
  for (const result of await Promise.allSettled(failing)) assert.equal(result.status, 'rejected');
  await commit.wait();
  assert.equal(runs, 2);
});
