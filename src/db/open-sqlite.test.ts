import assert from 'node:assert/strict';
import test from 'node:test';
import { sql } from 'kysely';
import { openTestSqlite } from '../../test/fixtures/databases.ts';

test('a scan holds up nobody who reads, and sees what was committed', async (t) => {
  const db = await openTestSqlite(t);
  await db.transact((tx) => tx.insertInto('settings').values({ name: 'test', value: 'committed' }).execute());
  const ended: string[] = [];
  const scan = sql<{ count: number; value: string }>`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000)
    select count(*) as count, (select value from settings where name = 'test') as value from n`.execute(db.scan);
  const scanned = scan.then(({ rows }) => {
    ended.push('scan');
    return rows;
  });
  const read = await db.read.selectFrom('settings').select('value').where('name', '=', 'test').execute();
  ended.push('read');
  assert.deepEqual(await scanned, [{ count: 3_000_000, value: 'committed' }]);
  assert.deepEqual(read, [{ value: 'committed' }]);
  assert.deepEqual(ended, ['read', 'scan']);
});
