import assert from 'node:assert/strict';
import test from 'node:test';
import { openTestSqlite } from '../../test/fixtures/databases.ts';
import { meterDatabase } from './metered-database.ts';

test('counts transactions that run, that wait for others, and that fail', async (t) => {
  const { db, figures } = meterDatabase(await openTestSqlite(t));
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const first = db.transact(async () => {
    begun.resolve();
    await released.promise;
    return 'first';
  });
  await begun.promise;
  const second = db.transact(async () => {
    throw new Error('refused');
  });
  assert.deepEqual([figures().running, figures().waiting], [1, 1]);
  released.resolve();
  assert.equal(await first, 'first');
  await assert.rejects(second, /refused/);
  const { running, waiting, failed, repeated, seconds, waitSeconds } = figures();
  assert.deepEqual({ running, waiting, failed, repeated }, { running: 0, waiting: 0, failed: 1, repeated: 0 });
  assert.deepEqual([seconds.count, waitSeconds.count], [2, 2]);
});

test('counts runs that are made again, and transactions that never begin', async (t) => {
  const database = await openTestSqlite(t);
  const again = meterDatabase({
    ...database,
    async transact(work) {
      await database.transact(work);
      return database.transact(work);
    },
  });
  assert.equal(await again.db.transact(async () => 7), 7);
  assert.equal(again.figures().repeated, 1);

  const broken = meterDatabase({
    ...database,
    async transact() {
      throw new Error('no connection');
    },
  });
  await assert.rejects(
    broken.db.transact(async () => 7),
    /no connection/,
  );
  const { running, waiting, failed } = broken.figures();
  assert.deepEqual({ running, waiting, failed }, { running: 0, waiting: 0, failed: 1 });
});
