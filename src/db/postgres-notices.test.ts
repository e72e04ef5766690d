import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { ownPostgres } from '../../test/fixtures/databases.ts';
import { postgresMissing } from '../../test/fixtures/postgres.ts';
import { startPostgresLine } from '../../test/fixtures/postgres-line.ts';
import type { Database } from './database.ts';
import { openPostgres } from './open-postgres.ts';
import { listenForNotices, type PostgresNotices, type PostgresNoticesOptions } from './postgres-notices.ts';

const limits = { timeout: 60_000 };

describe('change notices', { skip: postgresMissing }, () => {
  const shared = ownPostgres();

  interface Heard {
    readonly notices: PostgresNotices;
    /** What came of the topic `test`, in order; 'anything' for no subject. */
    readonly subjects: string[];
    readonly losses: unknown[];
    until(subject: string): Promise<void>;
  }

  function listen(t: TestContext, url: string, options: Partial<PostgresNoticesOptions> = {}): Heard {
    const losses: unknown[] = [];
    const onLost = (error: unknown) => void losses.push(error);
    const notices = listenForNotices({ url, onLost, pauseMs: 1, ...options });
    t.after(() => notices[Symbol.asyncDispose]());
    const subjects: string[] = [];
    notices.subscribe('test', (subject = 'anything') => subjects.push(subject));
    const until = async (subject: string) => {
      while (!subjects.includes(subject)) await delay(5);
    };
    return { notices, subjects, losses, until };
  }

  const tell = (db: Database, payload: string) =>
    db.transact((tx) => sql`select pg_notify('obraz', ${payload})`.execute(tx));

  test('tells of what was committed, in its order, to those who subscribed to it', limits, async (t) => {
    const url = await shared.createDatabase();
    await using db = await openPostgres(url);
    const { notices, subjects, until } = listen(t, url);
    assert.equal(notices.areHeard, false);
    await until('anything');
    assert.equal(notices.areHeard, true);
    const others: unknown[] = [];
    const other = notices.subscribe('test', (subject) => others.push(subject));
    const undone = db.transact(async (tx) => {
      await sql`select pg_notify('obraz', 'test undone')`.execute(tx);
      throw new Error('rolled back');
    });
    await assert.rejects(undone, /rolled back/);
    for (const payload of ['test one', 'unknown two', 'nothing', '', 'test ', 'test a b']) await tell(db, payload);
    await until('a b');
    other[Symbol.dispose]();
    await tell(db, 'test last');
    await until('last');
    assert.deepEqual(subjects, ['anything', 'one', '', 'a b', 'last']);
    assert.deepEqual(others, ['one', '', 'a b']);
    assert.deepEqual(notices.figures(), { areHeard: true, received: 5, connections: 1 });
  });

  test('a connection that is ended is made again, and anything may have happened', limits, async (t) => {
    const url = await shared.createDatabase();
    await using db = await openPostgres(url);
    const { notices, subjects, losses, until } = listen(t, url);
    await until('anything');
    subjects.length = 0;
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'obraz notices' and datname = current_database()`.execute(db.read);
    await until('anything');
    await tell(db, 'test again');
    await until('again');
    assert.deepEqual([subjects, losses.length, notices.figures().connections], [['anything', 'again'], 1, 2]);
  });

  test('a server that is restarted is heard again, and its absence is told once', limits, async (t) => {
    const url = await shared.createDatabase();
    const server = await shared.server();
    const { subjects, losses, until } = listen(t, url);
    await until('anything');
    subjects.length = 0;
    await server.stop();
    while (losses.length === 0) await delay(5);
    await delay(50);
    assert.equal(losses.length, 1);
    await server.restart();
    await until('anything');
    await using db = await openPostgres(url);
    await tell(db, 'test again');
    await until('again');
    assert.equal(losses.length, 1);
  });

  test('a line that says nothing any more is found out, and left', limits, async (t) => {
    const url = await shared.createDatabase();
    await using line = await startPostgresLine(url);
    const { notices, subjects, losses, until } = listen(t, line.url, { probeEveryMs: 20, probeTimeoutMs: 500 });
    await until('anything');
    subjects.length = 0;
    line.goSilent();
    while (losses.length === 0) await delay(5);
    assert.equal(notices.areHeard, false);
    assert.match(String(losses[0]), /did not come within 500 ms/);
    line.speak();
    await until('anything');
  });

  test('ends at once where there is no server, and where it does not answer', limits, async (t) => {
    await using line = await startPostgresLine(await shared.createDatabase());
    line.goSilent();
    for (const url of ['postgres://obraz@127.0.0.1:1/none', line.url]) {
      const { notices, subjects } = listen(t, url);
      await delay(20);
      await notices[Symbol.asyncDispose]();
      assert.deepEqual([notices.areHeard, subjects], [false, []]);
    }
  });
});
