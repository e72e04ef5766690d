import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import type { Database } from '../db/database.ts';
import { DatabaseFailed } from '../db/database-failed.ts';
import { failedPrecondition, unavailable } from '../errors.ts';
import { cancelOperation } from './cancel-operation.ts';
import { deleteOperation } from './delete-operation.ts';
import { getOperation } from './get-operation.ts';
import { insertOperation } from './insert-operation.ts';
import { kindsByName, type OperationContext, type OperationKind } from './kind.ts';
import { assertLease, LeaseLost, saveCheckpoint } from './lease.ts';
import { endLeasesOfNode, leaseOwner } from './operation-rows.ts';
import { createRunner, type Runner } from './runner.ts';
import type { RunnerOptions } from './runner-options.ts';

const log = pino({ level: 'silent' });
const beatMs = 20;

/** Stopped before the database is closed. */
const runners: Runner[] = [];

async function openDatabase(t: TestContext, open: OpenTestDatabase): Promise<Database> {
  const db = await open();
  t.after(async () => {
    for (const runner of runners.splice(0)) await runner.stop({ graceMs: 100 });
    await db[Symbol.asyncDispose]();
  });
  return db;
}

/** A kind whose run is the test's own, and which notes what it was asked to undo. */
function fakeKind(run: OperationKind['run']): OperationKind & { abandoned: string[]; cleaned: string[] } {
  const abandoned: string[] = [];
  const cleaned: string[] = [];
  return {
    name: 'test.work',
    run,
    // Part of a transaction, which a database with many writers may run again.
    abandon: async (_tx, { id }) => {
      if (!abandoned.includes(id)) abandoned.push(id);
    },
    cleanUp: async ({ id }) => void cleaned.push(id),
    abandoned,
    cleaned,
  };
}

async function startRunner(db: Database, kind: OperationKind, options: Partial<RunnerOptions> = {}): Promise<Runner> {
  const runner = createRunner({
    db,
    kinds: kindsByName([kind]),
    log,
    ownerId: 'one',
    beatMs,
    retryDelayMs: () => 5,
    ...options,
  });
  runners.push(runner);
  await runner.start();
  return runner;
}

async function insert(db: Database, input: string | number = 0): Promise<string> {
  const operation = { kind: 'test.work', folderId: 'f', resourceId: 'r', description: 'Work', createdBy: 's', input };
  return (await db.transact((tx) => insertOperation(tx, operation))).id;
}

async function row(db: Database, id: string) {
  return db.read.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

async function waitFor(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let spent = 0; spent < 10_000; spent += 5) {
    if (await condition()) return;
    await delay(5);
  }
  throw new Error(`never came: ${what}`);
}

async function ended(db: Database, operationId: string) {
  await waitFor('the end of the operation', async () => (await getOperation({ db }, { operationId })).done);
  return getOperation({ db }, { operationId });
}

/** Resolves when the work's signal is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

eachDatabase(({ open }) => {
  test('runs an operation and keeps its result and its last progress', async (t) => {
    const db = await openDatabase(t, open);
    const kind = fakeKind(async ({ operation, report }) => {
      report({ percent: 100 });
      return async () => ({ doubled: Number(operation.input) * 2 });
    });
    const runner = await startRunner(db, kind);
    const id = await insert(db, 21);
    runner.wake();
    const operation = await ended(db, id);
    assert.deepEqual(operation.result, { doubled: 42 });
    assert.deepEqual(operation.progress, { percent: 100 });
    assert.equal(operation.error, undefined);
    assert.deepEqual([kind.abandoned, kind.cleaned], [[], []]);
  });

  test('finds by itself what was inserted without a word', async (t) => {
    const db = await openDatabase(t, open);
    await startRunner(
      db,
      fakeKind(async () => async () => null),
    );
    await ended(db, await insert(db));
  });

  test('runs no more than it may at once, and everything in the end', async (t) => {
    const db = await openDatabase(t, open);
    let now = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    const kind = fakeKind(async () => {
      most = Math.max(most, ++now);
      if (now === 3) full.resolve();
      await full.promise;
      await delay(2);
      now--;
      return async () => null;
    });
    const ids = await Promise.all(Array.from({ length: 20 }, () => insert(db)));
    const runner = await startRunner(db, kind, { concurrency: 3 });
    for (const id of ids) await ended(db, id);
    assert.equal(most, 3);
    await waitFor('idleness', () => runner.activeCount === 0);
  });

  test('writes progress while the work runs', async (t) => {
    const db = await openDatabase(t, open);
    const go = Promise.withResolvers<void>();
    const runner = await startRunner(
      db,
      fakeKind(async ({ report }) => {
        report({ percent: 50 });
        await go.promise;
        return async () => null;
      }),
    );
    const id = await insert(db);
    runner.wake();
    await waitFor('progress', async () => (await row(db, id)).progress === '{"percent":50}');
    assert.equal((await getOperation({ db }, { operationId: id })).done, false);
    go.resolve();
    await ended(db, id);
  });

  test('keeps a ServiceError, and says nothing of any other error', async (t) => {
    const db = await openDatabase(t, open);
    const errors = [failedPrecondition('NOT_SO', 'not like this'), new TypeError('secret of the inside')];
    const kind = fakeKind(async ({ operation }) => {
      throw errors[Number(operation.input)];
    });
    await startRunner(db, kind);
    const [known, unknown] = [await insert(db, 0), await insert(db, 1)];
    assert.deepEqual((await ended(db, known)).error, {
      code: 'FAILED_PRECONDITION',
      reason: 'NOT_SO',
      message: 'not like this',
      fields: [],
    });
    assert.deepEqual((await ended(db, unknown)).error, {
      code: 'INTERNAL',
      reason: 'INTERNAL',
      message: 'Internal error',
      fields: [],
    });
    await waitFor('both clean-ups', () => kind.cleaned.length === 2);
    assert.deepEqual(kind.abandoned.toSorted(), [known, unknown].toSorted());
  });

  test('says that the storage is full when that is at the bottom of it', async (t) => {
    const db = await openDatabase(t, open);
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    await startRunner(
      db,
      fakeKind(async () => {
        throw new Error('the pack was not written', { cause: full });
      }),
    );
    const { error } = await ended(db, await insert(db));
    assert.equal(error?.reason, 'STORAGE_FULL');
  });

  test('tries again what was unavailable, from its checkpoint, and gives up after five attempts', async (t) => {
    const db = await openDatabase(t, open);
    const seen: unknown[] = [];
    const kind = fakeKind(async ({ operation, lease }) => {
      seen.push(operation.checkpoint);
      await db.transact((tx) => saveCheckpoint(tx, lease, seen.length));
      if (operation.input === 'recovers' && seen.length === 3) return async () => 'at last';
      throw unavailable('the source is away');
    });
    await startRunner(db, kind);
    assert.equal((await ended(db, await insert(db, 'recovers'))).result, 'at last');
    assert.deepEqual(seen, [undefined, 1, 2]);
    seen.length = 0;
    const { error } = await ended(db, await insert(db, 'never'));
    assert.equal(error?.code, 'UNAVAILABLE');
    assert.equal(seen.length, 5);
  });

  test('tries again when the database was away', async (t) => {
    const db = await openDatabase(t, open);
    let runs = 0;
    const kind = fakeKind(async () => {
      if (++runs === 1) throw new DatabaseFailed({ message: 'Connection terminated', failure: 'unavailable' });
      return async () => runs;
    });
    await startRunner(db, kind);
    assert.equal((await ended(db, await insert(db))).result, 2);
  });

  test('counts attempts anew from a checkpoint on new ground', async (t) => {
    const db = await openDatabase(t, open);
    let runs = 0;
    const kind = fakeKind(async ({ lease }) => {
      if (++runs === 12) return async () => runs;
      await db.transact((tx) => saveCheckpoint(tx, lease, runs, { isNewGround: true }));
      throw unavailable('again');
    });
    await startRunner(db, kind);
    assert.equal((await ended(db, await insert(db))).result, 12);
  });

  test('cancels at once, also when the work ignores its signal, which can then commit nothing', async (t) => {
    const db = await openDatabase(t, open);
    const go = Promise.withResolvers<void>();
    const late = Promise.withResolvers<unknown>();
    let committed = false;
    const kind = fakeKind(async ({ lease }) => {
      await go.promise;
      await db.transact((tx) => assertLease(tx, lease)).catch(late.resolve);
      return async () => {
        committed = true;
        return null;
      };
    });
    const runner = await startRunner(db, kind);
    const id = await insert(db);
    runner.wake();
    await waitFor('the run', () => runner.activeCount === 1);
    const before = performance.now();
    const operation = await cancelOperation({ db, kinds: kindsByName([kind]), runner }, { operationId: id });
    assert.ok(performance.now() - before < 250);
    assert.equal(operation.done, true);
    assert.equal(operation.error?.code, 'CANCELLED');
    assert.deepEqual(kind.abandoned, [id]);
    assert.deepEqual(kind.cleaned, [], 'cleans up only when the work has ended');
    go.resolve();
    assert.ok((await late.promise) instanceof LeaseLost);
    await waitFor('the clean-up', () => kind.cleaned.length === 1);
    assert.equal(committed, false);
    assert.equal((await getOperation({ db }, { operationId: id })).error?.code, 'CANCELLED');
  });

  test('tells of each end, and cleans up also when the record is deleted before the work has ended', async (t) => {
    const db = await openDatabase(t, open);
    const go = Promise.withResolvers<void>();
    const kind = fakeKind(async ({ operation }) => {
      if (operation.input === 'fail') throw failedPrecondition('NO', 'no');
      if (operation.input === 'linger') await go.promise;
      return async () => 'done';
    });
    const settled: string[] = [];
    const onSettled = (id: string) => void settled.push(id);
    const runner = await startRunner(db, kind, { onSettled });
    const [good, bad] = [await insert(db, 'good'), await insert(db, 'fail')];
    for (const id of [good, bad]) await ended(db, id);
    await waitFor('word of both', () => settled.length === 2);
    assert.deepEqual(new Set(settled), new Set([good, bad]));
    await waitFor('the clean-up of the one that failed', () => kind.cleaned.length === 1);

    const id = await insert(db, 'linger');
    runner.wake();
    await waitFor('the run', () => runner.activeCount === 1);
    await cancelOperation({ db, kinds: kindsByName([kind]), runner }, { operationId: id });
    await deleteOperation({ db }, { operationId: id });
    go.resolve();
    await waitFor('the clean-up', () => kind.cleaned.length === 2);
    assert.deepEqual(kind.cleaned, [bad, id]);
  });

  test('cancels what nobody runs yet, cleans up after it, and returns a done operation as it is', async (t) => {
    const db = await openDatabase(t, open);
    const kind = fakeKind(async () => async () => 'done');
    const kinds = kindsByName([kind]);
    const idle = createRunner({ db, kinds, log, ownerId: 'idle' });
    runners.push(idle);
    const id = await insert(db);
    await cancelOperation({ db, kinds, runner: idle }, { operationId: id });
    await waitFor('the clean-up', () => kind.cleaned.length === 1);
    const again = await cancelOperation({ db, kinds, runner: idle }, { operationId: id });
    assert.equal(again.error?.code, 'CANCELLED');
    assert.deepEqual(kind.abandoned, [id]);

    const runner = await startRunner(db, kind);
    const finished = await insert(db);
    await ended(db, finished);
    assert.equal((await cancelOperation({ db, kinds, runner }, { operationId: finished })).result, 'done');
    await assert.rejects(cancelOperation({ db, kinds, runner }, { operationId: 'x' }), /Operation "x" not found/);
  });

  test('a second process takes over when the first stops renewing, and the first can then commit nothing', async (t) => {
    const db = await openDatabase(t, open);
    const go = Promise.withResolvers<void>();
    const stale = Promise.withResolvers<unknown>();
    const first = fakeKind(async ({ lease, signal }) => {
      await db.transact((tx) => saveCheckpoint(tx, lease, 'from the first'));
      await go.promise;
      await db.transact((tx) => saveCheckpoint(tx, lease, 'too late')).catch(stale.resolve);
      assert.ok(!signal.aborted, 'nobody told it');
      return async () => 'of the first';
    });
    const seen: unknown[] = [];
    const second = fakeKind(async ({ operation }) => {
      seen.push(operation.checkpoint);
      return async () => 'of the second';
    });
    // No beat of the first comes in this test: it is as good as stalled.
    const stalled = { isAlone: false, beatMs: 1_000_000 };
    const one = await startRunner(db, first, stalled);
    const id = await insert(db);
    one.wake();
    await waitFor('the first checkpoint', async () => (await row(db, id)).checkpoint !== null);
    await startRunner(db, second, { isAlone: false, leaseMs: 100, ownerId: 'two' });
    assert.equal((await ended(db, id)).result, 'of the second');
    assert.deepEqual(seen, ['from the first']);
    go.resolve();
    assert.ok((await stale.promise) instanceof LeaseLost);
    await waitFor('the end of the first', () => one.activeCount === 0);
    const after = await row(db, id);
    assert.equal(after.result, '"of the second"');
    assert.equal(after.checkpoint, '"from the first"');
    assert.deepEqual(first.cleaned, [], 'what is done well is not cleaned up');
  });

  test('a process that renews keeps its lease from others', async (t) => {
    const db = await openDatabase(t, open);
    const go = Promise.withResolvers<void>();
    let runs = 0;
    const kind = fakeKind(async () => {
      runs++;
      await go.promise;
      return async () => null;
    });
    const lease = { isAlone: false, leaseMs: 150, renewMs: 30 };
    await startRunner(db, kind, lease);
    const id = await insert(db);
    await waitFor('the run', () => runs === 1);
    const other = await startRunner(db, kind, { ...lease, ownerId: 'two' });
    await waitFor('several renewals', async () => (await row(db, id)).lease_renewals > 8);
    assert.equal(other.activeCount, 0);
    go.resolve();
    await ended(db, id);
    assert.equal(runs, 1);
  });

  test('a node that starts again goes on at once with what it left, and with nothing of another', async (t) => {
    const db = await openDatabase(t, open);
    const go = Promise.withResolvers<void>();
    const left = fakeKind(async () => {
      await go.promise;
      return async () => 'of the dead';
    });
    // With one place each, neither takes what the other left.
    const stalled = { isAlone: false, beatMs: 1_000_000, concurrency: 1 };
    const ids: string[] = [];
    for (const node of ['a', 'b']) {
      const runner = await startRunner(db, left, { ...stalled, ownerId: leaseOwner(node, '1') });
      ids.push(await insert(db));
      runner.wake();
      await waitFor('the run', () => runner.activeCount === 1);
    }
    const [ofA = '', ofB = ''] = ids;
    await db.transact((tx) => endLeasesOfNode(tx, 'a'));
    const again = fakeKind(async () => async () => 'of the living');
    await startRunner(db, again, { isAlone: false, ownerId: leaseOwner('a', '2') });
    assert.equal((await ended(db, ofA)).result, 'of the living');
    const { state, lease_owner } = await row(db, ofB);
    assert.deepEqual([state, lease_owner], ['running', leaseOwner('b', '1')]);
    go.resolve();
  });

  test('clocks that are hours off, and step, neither hold anything up nor end a lease', async (t) => {
    const db = await openDatabase(t, open);
    const hourMs = 3_600_000;
    const trueTime = Date.now();
    // Of this process: the database keeps its own.
    t.mock.timers.enable({ apis: ['Date'], now: trueTime });
    const showTime = (hours: number) => t.mock.timers.setTime(Math.max(0, trueTime + hours * hourMs));
    const go = Promise.withResolvers<void>();
    let runs = 0;
    const kind = fakeKind(async ({ operation, lease }) => {
      if (operation.input === 'long') {
        runs += 1;
        await go.promise;
      } else if (operation.checkpoint === undefined) {
        showTime(5);
        await db.transact((tx) => saveCheckpoint(tx, lease, 'failed once'));
        throw unavailable('for now');
      } else {
        showTime(-5);
      }
      return async () => null;
    });
    showTime(5);
    const inserted = [await insert(db, 'long'), await insert(db)];
    showTime(-5);
    inserted.push(await insert(db));
    const lease = { isAlone: false, leaseMs: 10_000, renewMs: 30 };
    await startRunner(db, kind, lease);
    await startRunner(db, kind, { ...lease, ownerId: 'two' });
    for (const id of inserted.slice(1)) await ended(db, id);
    const [long = ''] = inserted;
    for (const [index, hours] of [5, -5, 0].entries()) {
      showTime(hours);
      await waitFor('renewals', async () => (await row(db, long)).lease_renewals > 8 * (index + 1));
    }
    go.resolve();
    await ended(db, long);
    assert.equal(runs, 1);
  });

  test('aborts the work when its lease turns out to be lost', async (t) => {
    const db = await openDatabase(t, open);
    const reason = Promise.withResolvers<unknown>();
    const kind = fakeKind(({ signal }: OperationContext) => {
      signal.addEventListener('abort', () => reason.resolve(signal.reason));
      return aborted(signal);
    });
    const runner = await startRunner(db, kind, { isAlone: false, leaseMs: 10_000, renewMs: 0 });
    const id = await insert(db);
    await waitFor('the run', () => runner.activeCount === 1);
    await db.transact((tx) => tx.updateTable('operations').set({ lease_epoch: 7 }).execute());
    assert.ok((await reason.promise) instanceof LeaseLost);
    await waitFor('the end of the run', () => runner.activeCount === 0);
    assert.equal((await row(db, id)).state, 'running', 'it is the other one’s');
  });

  test('goes on at once after a restart that left operations running', async (t) => {
    const db = await openDatabase(t, open);
    const id = await insert(db);
    await db.transact((tx) =>
      tx
        .updateTable('operations')
        .set({
          state: 'running',
          lease_owner: 'dead',
          lease_epoch: 1,
          attempts: 1,
        })
        .execute(),
    );
    await startRunner(
      db,
      fakeKind(async () => async () => 'done'),
      { isAlone: true },
    );
    assert.equal((await ended(db, id)).result, 'done');
    assert.equal((await row(db, id)).attempts, 2);
  });

  test('gives up an operation that its process did not survive five times', async (t) => {
    const db = await openDatabase(t, open);
    const id = await insert(db);
    await db.transact((tx) =>
      tx.updateTable('operations').set({ state: 'running', lease_epoch: 5, attempts: 5 }).execute(),
    );
    let runs = 0;
    const kind = fakeKind(async () => {
      runs++;
      return async () => null;
    });
    await startRunner(db, kind);
    const { error } = await ended(db, id);
    assert.equal(error?.code, 'INTERNAL');
    assert.match(error?.message ?? '', /interrupted 5 times/);
    assert.equal(runs, 0);
    assert.deepEqual(kind.abandoned, [id]);
  });

  test('gives leases back when it stops, and the attempt does not count', async (t) => {
    const db = await openDatabase(t, open);
    const polite = await insert(db, 'polite');
    const deaf = await insert(db, 'deaf');
    const go = Promise.withResolvers<void>();
    const kind = fakeKind(async ({ operation, signal }) => {
      await (operation.input === 'polite' ? aborted(signal) : go.promise);
      return async () => 'too late';
    });
    const runner = await startRunner(db, kind);
    await waitFor('both', () => runner.activeCount === 2);
    const before = performance.now();
    await runner.stop({ graceMs: 50 });
    assert.ok(performance.now() - before < 1_000);
    for (const id of [polite, deaf]) {
      const { state, attempts, lease_owner } = await row(db, id);
      assert.deepEqual({ state, attempts, lease_owner }, { state: 'pending', attempts: 0, lease_owner: '' });
    }
    go.resolve();
    await waitFor('the deaf one', () => runner.activeCount === 0);
    assert.equal((await row(db, deaf)).state, 'pending');
    await startRunner(
      db,
      fakeKind(async () => async () => 'next start'),
    );
    assert.equal((await ended(db, polite)).result, 'next start');
    assert.equal((await ended(db, deaf)).result, 'next start');
  });

  test('writes the failure as soon as a full database has room again', async (t) => {
    const db = await openDatabase(t, open);
    const id = await insert(db);
    let refusals = 0;
    const full = new DatabaseFailed({ message: 'database or disk is full', failure: 'full' });
    const kind = fakeKind(async () => async () => {
      throw full;
    });
    kind.abandon = async () => {
      if (++refusals <= 3) throw full;
    };
    await startRunner(db, kind);
    const { error } = await ended(db, id);
    assert.equal(error?.reason, 'STORAGE_FULL');
    assert.equal(refusals, 4);
  });

  test('however leases are lost and processes come and go, each operation is committed once', async (t) => {
    const db = await openDatabase(t, open);
    // Leases shorter than most of the work, so that it is taken over again and again.
    const hasty = { isAlone: false, leaseMs: 15, renewMs: 12, beatMs: 10, maxAttempts: 1_000, concurrency: 3 };
    let runs = 0;
    const kind = fakeKind(async ({ operation, lease }) => {
      runs++;
      await delay((runs * 7) % 30);
      await db.transact((tx) => saveCheckpoint(tx, lease, runs));
      if (runs % 5 === 0) throw unavailable('for now');
      return async (tx) => {
        // A second commit would break the key.
        await tx
          .insertInto('settings')
          .values({ name: operation.id, value: String(lease.epoch) })
          .execute();
        return lease.epoch;
      };
    });
    const ids = await Promise.all(Array.from({ length: 12 }, () => insert(db)));
    await startRunner(db, kind, { ...hasty, ownerId: 'steady' });
    for (const ownerId of ['first', 'second', 'third']) {
      const passing = await startRunner(db, kind, { ...hasty, ownerId });
      await delay(40);
      await passing.stop({ graceMs: 5 });
    }
    for (const id of ids) {
      const { result, error } = await ended(db, id);
      assert.equal(error, undefined);
      const committed = await db.read.selectFrom('settings').select('value').where('name', '=', id).execute();
      assert.deepEqual(committed, [{ value: String(result) }]);
    }
  });
});
