import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { createThreadPool } from './thread-pool.ts';

/** What the threads of these tests can do; `die` ends by an error that nobody catches, `nonsense` is no task of theirs. */
type Tasks = Record<'double' | 'fail' | 'exit' | 'die' | 'nonsense', (input: number) => number>;

const serveTasks = new URL('./serve-tasks.ts', import.meta.url).href;

const good = moduleOf(`
  import { serveTasks } from '${serveTasks}';
  serveTasks({
    double: (input) => input * 2,
    fail: (input) => { throw new RangeError('failed ' + input); },
    exit: (input) => process.exit(input),
    die: () => { queueMicrotask(() => { throw new TypeError('died'); }); },
  });
`);

function moduleOf(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

/** The ends of the threads that are started from now on, one promise for each. */
function watchThreads(t: TestContext): Promise<unknown>[] {
  const ends: Promise<unknown>[] = [];
  const watch = (worker: Worker) => void ends.push(new Promise((resolve) => worker.once('exit', resolve)));
  process.on('worker', watch);
  t.after(() => process.off('worker', watch));
  return ends;
}

test('runs tasks on all threads, and gives what they return or throw', async () => {
  await using pool = createThreadPool<Tasks>({ module: good, threads: 2 });
  const inputs = Array.from({ length: 20 }, (_, index) => index);
  assert.deepEqual(
    await Promise.all(inputs.map((input) => pool.run('double', input))),
    inputs.map((input) => input * 2),
  );
  await assert.rejects(pool.run('fail', 7), { name: 'RangeError', message: 'failed 7' });
  await assert.rejects(pool.run('nonsense', 7), /no task named nonsense/);
});

test('a thread that exits takes its task with it, and the next tasks get another thread', async (t) => {
  const threads = watchThreads(t);
  await using pool = createThreadPool<Tasks>({ module: good, threads: 1 });
  const exiting = assert.rejects(pool.run('exit', 3), /ended with code 3 in the middle of its task/);
  const waiting = pool.run('double', 1);
  await exiting;
  assert.equal(await waiting, 2);
  assert.equal(await pool.run('double', 4), 8);
  assert.equal(threads.length, 2);
});

test('a task whose thread dies of an error is rejected with it', async () => {
  await using pool = createThreadPool<Tasks>({ module: good, threads: 1 });
  const dying = pool.run('die', 0);
  // The task itself has returned by then; what waits behind it is given to another thread or rejected, never lost.
  const [, after] = await Promise.allSettled([dying, pool.run('double', 1)]);
  assert.ok(after?.status === 'fulfilled' || after?.reason.message === 'died');
  assert.equal(await pool.run('double', 5), 10);
});

test('threads that cannot load are started only for tasks, which are told why', async (t) => {
  const threads = watchThreads(t);
  await using pool = createThreadPool<Tasks>({ module: moduleOf(`throw new Error('cannot load');`), threads: 2 });
  await once(process, 'worker');
  await Promise.all(threads);
  assert.equal(threads.length, 2);
  for (let task = 0; task < 3; task += 1) await assert.rejects(pool.run('double', 1), { message: 'cannot load' });
  assert.equal(threads.length, 5);
});

test('an input that cannot be sent is refused, and takes no thread', async () => {
  await using pool = createThreadPool<{ double(input: unknown): number }>({ module: good, threads: 1 });
  await assert.rejects(
    pool.run('double', () => 1),
    { name: 'DataCloneError' },
  );
  assert.equal(await pool.run('double', 1), 2);
});

test('tasks under way are rejected when the threads are ended', async () => {
  const endless = moduleOf(`
    import { serveTasks } from '${serveTasks}';
    serveTasks({ double: () => { for (;;); } });
  `);
  const pool = createThreadPool<Tasks>({ module: endless, threads: 1 });
  const running = [pool.run('double', 1), pool.run('double', 2)];
  const rejected = Promise.all(running.map((run) => assert.rejects(run, /threads have ended/)));
  await pool[Symbol.asyncDispose]();
  await rejected;
  await assert.rejects(pool.run('double', 1), /threads have ended/);
});
