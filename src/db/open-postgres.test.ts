import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import { ownPostgres } from '../../test/fixtures/databases.ts';
import { PausedDatabase } from '../../test/fixtures/paused-database.ts';
import { postgresMissing } from '../../test/fixtures/postgres.ts';
import type { Transaction } from './database.ts';
import { DatabaseFailed } from './database-failed.ts';
import { openPostgres } from './open-postgres.ts';

describe('PostgreSQL', { skip: postgresMissing }, () => {
  const shared = ownPostgres();

  test('makes the tables once, however many processes start at once', async () => {
    const url = await (await shared.server()).createDatabase();
    const opened = await Promise.all(Array.from({ length: 4 }, () => openPostgres(url)));
    for (const db of opened) {
      assert.deepEqual(await db.read.selectFrom('images').selectAll().execute(), []);
      await db[Symbol.asyncDispose]();
    }
  });

  test('sorts every text by its bytes, whatever the server would do', async () => {
    await using db = await shared.open();
    const { rows } = await sql`
      select table_name, column_name from information_schema.columns
      where table_schema = 'public' and table_name not like 'kysely%'
        and data_type = 'text' and collation_name is distinct from 'C'
    `.execute(db.read);
    assert.deepEqual(rows, []);
  });

  test('says which database cannot be opened and why, and keeps the password to itself', async () => {
    const elsewhere = 'postgres://someone:secret@127.0.0.1:1/obraz?application_name=x';
    await assert.rejects(openPostgres(elsewhere), (error: unknown) => {
      assert.ok(error instanceof DatabaseFailed);
      assert.equal(error.failure, 'unavailable');
      assert.match(error.message, /^cannot open the database postgres:\/\/127\.0\.0\.1:1\/obraz: .*ECONNREFUSED/);
      return true;
    });
    const url = await (await shared.server()).createDatabase();
    await assert.rejects(openPostgres(url.replace(/test_\w+/, 'absent')), /database "absent" does not exist/);
  });

  test('transactions that met are run again until each counts', async () => {
    await using db = await shared.open();
    await db.transact((tx) => tx.insertInto('settings').values({ name: 'n', value: '0' }).execute());
    let runs = 0;
    const increment = async (tx: Transaction) => {
      runs += 1;
      const { value } = await tx.selectFrom('settings').select('value').executeTakeFirstOrThrow();
      await tx
        .updateTable('settings')
        .set({ value: String(Number(value) + 1) })
        .execute();
    };
    await Promise.all(Array.from({ length: 20 }, () => db.transact(increment)));
    assert.deepEqual(await db.read.selectFrom('settings').select('value').execute(), [{ value: '20' }]);
    assert.ok(runs > 20, 'they did meet');
  });

  test('a transaction that others cross again and again has a turn alone', async () => {
    const database = await shared.create();
    await using long = await database.open();
    await using opened = await database.open();
    const short = new PausedDatabase(opened);
    const set = (value: string) => (tx: Transaction) => tx.updateTable('settings').set({ value }).execute();
    await long.transact((tx) => tx.insertInto('settings').values({ name: 'n', value: '' }).execute());
    const crossings: Promise<unknown>[] = [];
    const outcomes: string[] = [];
    await long.transact(async (tx) => {
      await tx.selectFrom('settings').selectAll().execute();
      const crossing = short.transact(set('of others'));
      crossings.push(crossing);
      outcomes.push(await short.endedOrBlocked(crossing));
      await set('of the long one')(tx);
    });
    await Promise.all(crossings);
    assert.deepEqual(outcomes, ['ended', 'ended', 'ended', 'ended', 'ended', 'blocked']);
    assert.deepEqual(await long.read.selectFrom('settings').select('value').execute(), [{ value: 'of others' }]);
  });

  test('does not run again what failed by itself', async () => {
    await using db = await shared.open();
    let runs = 0;
    const twice = async (tx: Transaction) => {
      runs += 1;
      for (const value of ['a', 'b']) await tx.insertInto('settings').values({ name: 'n', value }).execute();
    };
    await assert.rejects(db.transact(twice), { failure: 'constraint', code: '23505' });
    assert.equal(runs, 1);
    assert.deepEqual(await db.read.selectFrom('settings').selectAll().execute(), []);
  });

  test('never takes a failed transaction for a committed one', async () => {
    await using db = await shared.open();
    const work = async (tx: Transaction) => {
      await tx.insertInto('settings').values({ name: 'n', value: 'v' }).execute();
      await sql`select 1 / 0`.execute(tx).catch(() => {});
    };
    await assert.rejects(db.transact(work), /nothing was committed/);
    assert.deepEqual(await db.read.selectFrom('settings').selectAll().execute(), []);
  });

  test('reads cannot write', async () => {
    await using db = await shared.open();
    await assert.rejects(sql`delete from settings`.execute(db.read), /read-only/);
  });

  test('gives numbers that are exact or none, and bytes with memory of their own', async () => {
    await using db = await shared.open();
    const select = (what: string) => sql<{ v: unknown }>`select (${sql.raw(what)}) as v`.execute(db.read);
    assert.equal((await select('9007199254740991::bigint')).rows[0]?.v, Number.MAX_SAFE_INTEGER);
    assert.equal((await select('select sum(v) from (values (1::bigint), (2)) t (v)')).rows[0]?.v, 3);
    await assert.rejects(select('9007199254740992::bigint'), DatabaseFailed);
    await assert.rejects(select('0.5::numeric'), DatabaseFailed);
    const bytes = (await select(`'\\x00ff10'::bytea`)).rows[0]?.v;
    assert.deepEqual(bytes, Uint8Array.of(0, 255, 16));
    assert.ok(bytes instanceof Uint8Array && bytes.buffer.byteLength === 3);
  });

  test('a server that dies is said to be unavailable, and is used again once it is back', async () => {
    await using db = await shared.open();
    const server = await shared.server();
    const begun = Promise.withResolvers<void>();
    const work = db.transact(async (tx) => {
      await tx.insertInto('settings').values({ name: 'n', value: 'v' }).execute();
      begun.resolve();
      await sql`select pg_sleep(60)`.execute(tx);
    });
    const lost = assert.rejects(work, { name: 'DatabaseFailed', failure: 'unavailable' });
    await begun.promise;
    await server.restart();
    await lost;
    assert.deepEqual(await db.read.selectFrom('settings').selectAll().execute(), []);
    await db.transact((tx) => tx.insertInto('settings').values({ name: 'n', value: 'again' }).execute());
  });
});
