import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import type { Transaction } from '../db/database.ts';
import { deleteOperation } from './delete-operation.ts';
import { insertOperation } from './insert-operation.ts';
import { updateRow } from './operation-rows.ts';
import { startOnce } from './start-once.ts';

const caller = { subjectId: 'aje1', method: 'Create', idempotencyKey: 'key', requestHash: 'hash' };
const about = { kind: 'test.work', folderId: 'f', resourceId: 'r', description: 'Work', createdBy: 'aje1' };
const work = (tx: Transaction) => insertOperation(tx, { ...about, input: null });

eachDatabase(({ open }) => {
  test('a record is deleted once its operation is done, and its request is a new one then', async (t) => {
    const db = await open(t);
    const { id: operationId } = await startOnce({ db }, caller, work);
    const remove = () => deleteOperation({ db }, { operationId });
    await assert.rejects(remove(), { code: 'FAILED_PRECONDITION', reason: 'OPERATION_UNDER_WAY' });
    await db.transact((tx) => updateRow(tx, operationId, { state: 'done', result: '{}' }));
    await remove();
    await assert.rejects(remove(), { code: 'NOT_FOUND', message: `Operation "${operationId}" not found` });

    const replies = await Promise.all(Array.from({ length: 5 }, () => startOnce({ db }, caller, work)));
    const [again] = replies;
    assert.ok(again !== undefined && again.id !== operationId);
    assert.deepEqual(new Set(replies.map(({ id }) => id)), new Set([again.id]));
  });
});
