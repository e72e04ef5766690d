import assert from 'node:assert/strict';
import test from 'node:test';
import { sql } from 'kysely';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import type { Database, Transaction } from '../db/database.ts';
import { claimNext } from './claim-operations.ts';
import { type DueQuery, findNextDue, longestWaitMs, upsertTurn } from './next-due.ts';
import type { SeenLease } from './operation-rows.ts';
import { type OperationRow, updateRow } from './operation-rows.ts';

const kinds = ['import', 'digest'];

function makeRow(id: string, change: Partial<OperationRow> = {}): OperationRow {
  const about = { kind: 'import', folder_id: 'f', resource_id: id, resource_name: '', zone_id: '', description: '' };
  const times = { created_at: 0, modified_at: 0, run_after: 0, lease_renewals: 0 };
  const work = { input: 'null', checkpoint: null, progress: null, error: null, result: null } as const;
  const lease = { lease_owner: '', lease_epoch: 0, attempts: 0, state: 'pending' } as const;
  const asked = { created_by: 's', idempotency_key: '', cloud_id: id.charAt(0), node_id: '' };
  return { id, number: id, ...about, ...times, ...work, ...lease, ...asked, ...change };
}

async function insertAll(tx: Transaction, rows: readonly OperationRow[]): Promise<void> {
  for (let at = 0; at < rows.length; at += 1_000) {
    await tx
      .insertInto('operations')
      .values(rows.slice(at, at + 1_000))
      .execute();
  }
}

/** Asks for all kinds, at that time. */
function at(now: number, unrenewed: readonly SeenLease[] = []): DueQuery {
  return { kinds, except: [], unrenewed, now: sql<number>`cast(${now} as bigint)` };
}

/** Claims until nothing is due; returns the ids. */
async function claimAll(db: Database, now: number, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < most) {
    const row = await claimNext(db, { ...at(now), ownerId: 'one' });
    if (row === undefined) break;
    ids.push(row.id);
  }
  return ids;
}

eachDatabase(({ open }) => {
  test('clouds take turns, whoever asked first and however often', async (t) => {
    const db = await open(t);
    const rows = ['a1', 'a2', 'a3', 'a4'].map((id, index) => makeRow(id, { run_after: index }));
    rows.push(makeRow('b1', { run_after: 10 }), makeRow('b2', { run_after: 11 }), makeRow('c1', { run_after: 12 }));
    rows.push(makeRow('d1', { run_after: 1_000 }), makeRow('e1', { kind: 'other' }));
    await db.transact((tx) => insertAll(tx, rows));
    assert.deepEqual(await claimAll(db, 100), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  });

  test('with one place, clouds still take turns', async (t) => {
    const db = await open(t);
    const ids = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'];
    const rows = ids.map((id, index) => makeRow(id, { run_after: index }));
    await db.transact((tx) => insertAll(tx, rows));
    const served: string[] = [];
    for (let now = 100; now < 106; now++) {
      const [id] = await claimAll(db, now, 1);
      assert.ok(id);
      served.push(id);
      await db.transact((tx) => updateRow(tx, id, { state: 'done' }));
    }
    assert.deepEqual(served, ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  test('counts what other processes run, and takes over what one that died has left', async (t) => {
    const db = await open(t);
    const running = { state: 'running', lease_owner: 'other', lease_epoch: 1, lease_renewals: 8 } as const;
    await db.transact((tx) =>
      insertAll(tx, [
        makeRow('a1', running),
        makeRow('a2'),
        makeRow('b1', { run_after: 5 }),
        makeRow('c1', { ...running, kind: 'digest', run_after: 7 }),
        makeRow('d1', { ...running, lease_owner: '', run_after: 9 }),
      ]),
    );
    const seen = (operationId: string, renewals: number): SeenLease => ({ operationId, epoch: 1, renewals });
    const watched = at(100, [seen('c1', 8), seen('a1', 7)]);
    assert.deepEqual(await findNextDue(db.read, watched), { id: 'b1', cloudId: 'b', dueMs: 95, running: 0 });
    const claimed: string[] = [];
    for (let row = await claimNext(db, { ...watched, ownerId: 'one' }); row !== undefined; ) {
      claimed.push(row.id);
      row = await claimNext(db, { ...watched, ownerId: 'one' });
    }
    assert.deepEqual(claimed, ['b1', 'c1', 'd1', 'a2']);
    assert.equal((await findNextDue(db.read, at(100, [seen('a1', 8), seen('c1', 8)])))?.id, 'a1');
  });

  test('what is to wait for longer than anything is put off is due, and has had no turn', async (t) => {
    const db = await open(t);
    const steppedBack = 10 * longestWaitMs;
    await db.transact((tx) =>
      insertAll(tx, [
        makeRow('a1', { run_after: steppedBack }),
        makeRow('a2', { run_after: longestWaitMs }),
        makeRow('b1', { run_after: steppedBack + 1 }),
        makeRow('c1'),
      ]),
    );
    await db.transact((tx) => upsertTurn(tx, { ...at(steppedBack), cloudId: 'a', kind: 'import' }));
    await db.transact((tx) => upsertTurn(tx, { ...at(1), cloudId: 'c', kind: 'import' }));
    assert.deepEqual(await claimAll(db, 100), ['a1', 'b1', 'c1']);
  });

  test('is found among 100,000 that wait without a look at each of them', async (t) => {
    const db = await open(t);
    // One cloud has nearly all of it, and 100 have one each.
    await db.transact((tx) =>
      sql`
        insert into operations (id, number, kind, folder_id, resource_id, description, created_by, created_at,
          modified_at, state, input, lease_owner, lease_epoch, lease_renewals, attempts, run_after, cloud_id)
        with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < 99999)
        select 'op' || n, 'number' || n, 'import', 'f', 'r', '', 's', 0, 0, 'pending', 'null', '', 0, 0, 0, n,
          case when n < 100 then 'b' || n else 'a' end
        from numbers`.execute(tx),
    );
    const query = at(1_000_000);
    let leastMs = Number.POSITIVE_INFINITY;
    for (let asked = 0; asked < 10; asked++) {
      const began = performance.now();
      await findNextDue(db.read, query);
      leastMs = Math.min(leastMs, performance.now() - began);
    }
    t.diagnostic(`${leastMs.toFixed(1)} ms`);
    assert.ok(leastMs < 50, `${leastMs} ms`);
  });
});
