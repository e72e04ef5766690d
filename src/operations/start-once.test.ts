import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import type { Database, Transaction } from '../db/database.ts';
import { failedPrecondition, toStoredError } from '../errors.ts';
import { getOperation } from './get-operation.ts';
import { insertFinishedOperation, insertOperation } from './insert-operation.ts';
import { listOperations } from './list-operations.ts';
import { updateRow } from './operation-rows.ts';
import { startOnce } from './start-once.ts';

const caller = { subjectId: 'aje1', method: 'Create', idempotencyKey: 'key', requestHash: 'hash' };
const about = { kind: 'test.work', folderId: 'f', resourceId: 'r', description: 'Work', createdBy: 'aje1' };
const work = (tx: Transaction) => insertOperation(tx, { ...about, input: null });

async function count(db: Database): Promise<number> {
  return (await db.read.selectFrom('operations').select('id').execute()).length;
}

eachDatabase(({ open }) => {
  test('does the work of one request once, also when it comes many times at once', async (t) => {
    const db = await open(t);
    const replies = await Promise.all(Array.from({ length: 10 }, () => startOnce({ db }, caller, work)));
    assert.equal(new Set(replies.map(({ id }) => id)).size, 1);
    assert.equal(await count(db), 1);
  });

  test('takes another subject, method, key or body, or no key, for another request', async (t) => {
    const db = await open(t);
    const others = [
      { ...caller, subjectId: 'aje2' },
      { ...caller, method: 'Delete' },
      { ...caller, idempotencyKey: 'other' },
      { ...caller, requestHash: 'other' },
      { ...caller, idempotencyKey: undefined },
      { ...caller, idempotencyKey: undefined },
    ];
    for (const other of [caller, ...others]) await startOnce({ db }, other, work);
    assert.equal(await count(db), 1 + others.length);
  });

  test('a repetition gets the operation as it is now, but never one done with an error', async (t) => {
    const db = await open(t);
    const { id } = await startOnce({ db }, caller, work);
    const error = JSON.stringify(toStoredError(failedPrecondition('NO', 'no')));
    await db.transact((tx) => updateRow(tx, id, { state: 'done', error }));
    const replayed = await startOnce({ db }, caller, work);
    assert.deepEqual([replayed.id, replayed.done, replayed.error], [id, false, undefined]);
    assert.equal((await getOperation({ db }, { operationId: id })).error?.reason, 'NO');
    await db.transact((tx) => updateRow(tx, id, { error: null, result: '"made"' }));
    const succeeded = await startOnce({ db }, caller, work);
    assert.deepEqual([succeeded.id, succeeded.done, succeeded.result], [id, true, 'made']);
  });

  test('a request that failed leaves no trace, and may be repeated', async (t) => {
    const db = await open(t);
    const failing = async (tx: Transaction) => {
      await work(tx);
      throw failedPrecondition('NOT_YET', 'not yet');
    };
    await assert.rejects(startOnce({ db }, caller, failing), /not yet/);
    assert.equal(await count(db), 0);
    await startOnce({ db }, caller, work);
    assert.equal(await count(db), 1);
  });

  test('one that lost the race to its twin answers with the twin', async (t) => {
    const db = await open(t);
    const twin = await startOnce({ db }, caller, work);
    // What many writers would bring about: the key was not there when this one looked.
    const blind: Database = { ...db, transact: async () => Promise.reject(new Error('unique constraint')) };
    assert.equal((await startOnce({ db: blind }, caller, work)).id, twin.id);
    await assert.rejects(startOnce({ db: blind }, { ...caller, idempotencyKey: 'new' }, work), /unique constraint/);
  });

  test('lists the operations on a resource, newest first, page by page', async (t) => {
    const db = await open(t);
    const made: { id: string; at: number }[] = [];
    for (let at = 0; at < 12; at++) {
      const now = new Date(1_700_000_000_000 + Math.floor(at / 3));
      const { id } = await db.transact((tx) => insertFinishedOperation(tx, { ...about, result: null, now }));
      await db.transact((tx) => insertFinishedOperation(tx, { ...about, resourceId: 'other', result: null, now }));
      made.push({ id, at: now.getTime() });
    }
    const wanted = made.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).map(({ id }) => id);
    const listed: string[] = [];
    let pageToken = '';
    do {
      const page = await listOperations({ db }, { resourceId: 'r', pageSize: 5, pageToken });
      listed.push(...page.operations.map(({ id }) => id));
      pageToken = page.nextPageToken;
      if (pageToken !== '') {
        const elsewhere = listOperations({ db }, { resourceId: 'other', pageSize: 5, pageToken });
        await assert.rejects(elsewhere, { code: 'INVALID_ARGUMENT' });
      }
    } while (pageToken !== '');
    assert.deepEqual(listed, wanted);
    assert.deepEqual(
      (await listOperations({ db }, { resourceId: 'never', pageSize: 0, pageToken: '' })).operations,
      [],
    );
  });
});
