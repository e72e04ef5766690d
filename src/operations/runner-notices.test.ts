import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { pino } from 'pino';
import { ownPostgres } from '../../test/fixtures/databases.ts';
import { postgresMissing } from '../../test/fixtures/postgres.ts';
import type { Database } from '../db/database.ts';
import { openPostgres } from '../db/open-postgres.ts';
import { listenForNotices } from '../db/postgres-notices.ts';
import { cancelOperation } from './cancel-operation.ts';
import { insertOperation } from './insert-operation.ts';
import { kindsByName, type OperationKind } from './kind.ts';
import { LeaseLost } from './lease.ts';
import { OperationWaits } from './operation-waits.ts';
import { createRunner } from './runner.ts';

/** Nothing here is found by a poll: each is longer than the test may take. */
const never = { beatMs: 600_000, quietLookMs: 600_000, quietPollMs: 600_000, pollMs: 600_000 };
const limits = { timeout: 60_000 };
const about = { kind: 'test.work', folderId: 'f', resourceId: 'r', description: 'Work', createdBy: 's' };

describe('operations of several processes', { skip: postgresMissing }, () => {
  const shared = ownPostgres();

  /** One process: its database and notices, with a runner if it has a kind. */
  async function openProcess(t: TestContext, url: string, kind?: OperationKind) {
    const db = await openPostgres(url);
    const onLost = (): void => {};
    const notices = listenForNotices({ url, onLost, pauseMs: 1 });
    const kinds = kindsByName(kind === undefined ? [] : [kind]);
    const options = { db, kinds, log: pino({ level: 'silent' }), ownerId: String(Math.random()), notices, ...never };
    const runner = createRunner(options);
    const waits = new OperationWaits({ db, notices, onError: assert.fail, ...never });
    t.after(async () => {
      await runner.stop({ graceMs: 100 });
      waits[Symbol.dispose]();
      await notices[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    });
    while (!notices.areHeard) await delay(5);
    if (kind !== undefined) await runner.start();
    return { db, notices, runner, waits, kinds };
  }

  function kindThat(run: OperationKind['run']): OperationKind {
    return { name: about.kind, run, async abandon() {} };
  }

  async function insert(db: Database, input = 0): Promise<string> {
    return (await db.transact((tx) => insertOperation(tx, { ...about, input }))).id;
  }

  function untilDone(waits: OperationWaits, operationId: string) {
    return waits.waitFor({ operationId }, { signal: AbortSignal.timeout(limits.timeout), maxMs: 100_000 });
  }

  test('what one inserts another runs, and who waits for it hears of its end', limits, async (t) => {
    const url = await shared.createDatabase();
    const { db, waits } = await openProcess(t, url);
    await openProcess(
      t,
      url,
      kindThat(
        async ({ operation }) =>
          async () =>
            `ran ${operation.input}`,
      ),
    );
    for (const input of [1, 2]) {
      const { done, result } = await untilDone(waits, await insert(db, input));
      assert.deepEqual([done, result], [true, `ran ${input}`]);
    }
  });

  test('what one cancels ends where it runs', limits, async (t) => {
    const url = await shared.createDatabase();
    const { db } = await openProcess(t, url);
    const began = Promise.withResolvers<void>();
    const reason = Promise.withResolvers<unknown>();
    const kind = kindThat(async ({ signal }) => {
      signal.addEventListener('abort', () => reason.resolve(signal.reason));
      began.resolve();
      await reason.promise;
      throw new Error('its way to end');
    });
    await openProcess(t, url, kind);
    const operationId = await insert(db);
    await began.promise;
    await cancelOperation({ db, kinds: kindsByName([kind]), runner: { abort() {} } }, { operationId });
    assert.ok((await reason.promise) instanceof LeaseLost);
  });

  test('what one gives back another goes on with', limits, async (t) => {
    const url = await shared.createDatabase();
    const { db, waits } = await openProcess(t, url);
    const began = Promise.withResolvers<void>();
    const first = await openProcess(
      t,
      url,
      kindThat(async ({ signal }) => {
        began.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw signal.reason;
      }),
    );
    const operationId = await insert(db);
    await began.promise;
    await openProcess(
      t,
      url,
      kindThat(async () => async () => 'of the second'),
    );
    await first.runner.stop();
    assert.equal((await untilDone(waits, operationId)).result, 'of the second');
  });

  test('all are told, and each operation is run once', limits, async (t) => {
    const url = await shared.createDatabase();
    const { db, waits } = await openProcess(t, url);
    const runs: string[] = [];
    const kind = kindThat(async ({ operation }) => {
      runs.push(operation.id);
      return async () => null;
    });
    for (let count = 0; count < 3; count++) await openProcess(t, url, kind);
    const ids = await Promise.all(Array.from({ length: 20 }, (_, input) => insert(db, input)));
    for (const id of ids) assert.ok((await untilDone(waits, id)).done);
    assert.deepEqual(runs.toSorted(), ids.toSorted());
  });

  test('what happened while nobody listened is found when they do again', limits, async (t) => {
    const url = await shared.createDatabase();
    const { db, waits } = await openProcess(t, url);
    await openProcess(
      t,
      url,
      kindThat(async () => async () => 'found'),
    );
    // Triggers are off for this transaction: as if its notices had been lost.
    const { id } = await db.transact(async (tx) => {
      await sql`set local session_replication_role = replica`.execute(tx);
      return insertOperation(tx, { ...about, input: 0 });
    });
    const ended = untilDone(waits, id);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'obraz notices' and datname = current_database()`.execute(db.read);
    assert.equal((await ended).result, 'found');
  });
});
