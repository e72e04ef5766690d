import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import type { Database } from '../db/database.ts';
import { insertOperation } from './insert-operation.ts';
import { updateRow } from './operation-rows.ts';
import { OperationWaits, type OperationWaitsOptions } from './operation-waits.ts';

const about = { kind: 'test.work', folderId: 'f', resourceId: 'r', description: 'Work', createdBy: 's', input: 0 };
/** Longer than any test takes. */
const never = 60_000;

interface Waiting {
  readonly db: Database;
  readonly waits: OperationWaits;
  readonly operationId: string;
}

async function openWaits(
  t: TestContext,
  open: OpenTestDatabase,
  options: Partial<OperationWaitsOptions> = {},
): Promise<Waiting> {
  const db = await open(t);
  const { id: operationId } = await db.transact((tx) => insertOperation(tx, about));
  return { db, operationId, waits: new OperationWaits({ db, onError: assert.fail, pollMs: never, ...options }) };
}

const finish = ({ db, operationId }: Waiting) => db.transact((tx) => updateRow(tx, operationId, { state: 'done' }));

function waitFor({ waits, operationId }: Waiting, options: { maxMs?: number; signal?: AbortSignal } = {}) {
  return waits.waitFor({ operationId }, { maxMs: never, signal: new AbortController().signal, ...options });
}

eachDatabase(({ open }) => {
  test('what is done is returned at once, and what is told of as soon as it is', async (t) => {
    const waiting = await openWaits(t, open);
    const results = [waitFor(waiting), waitFor(waiting)];
    // Told too early, they look, and wait on.
    waiting.waits.settled(waiting.operationId);
    await finish(waiting);
    waiting.waits.settled(waiting.operationId);
    for (const { done } of await Promise.all(results)) assert.ok(done);
    assert.ok((await waitFor(waiting)).done);
    assert.equal(waiting.waits.count, 0);
  });

  test('what nobody tells of is found by looking', async (t) => {
    const waiting = await openWaits(t, open, { pollMs: 20 });
    const result = waitFor(waiting);
    await finish(waiting);
    assert.ok((await result).done);
    const { id } = await waiting.db.transact((tx) => insertOperation(tx, about));
    const gone = waitFor({ ...waiting, operationId: id });
    await waiting.db.transact((tx) =>
      updateRow(tx, id, { state: 'done' }).then(() => tx.deleteFrom('operations').where('id', '=', id).execute()),
    );
    await assert.rejects(gone, { code: 'NOT_FOUND' });
    assert.equal(waiting.waits.count, 0);
  });

  test('when the time is over, the answer is the operation as it is', async (t) => {
    const waiting = await openWaits(t, open);
    assert.equal((await waitFor(waiting, { maxMs: 0 })).done, false);
    assert.equal((await waitFor(waiting, { maxMs: 30 })).done, false);
    assert.equal(waiting.waits.count, 0);
  });

  test('when too many wait, and when the service stops, the answer is the operation as it is', async (t) => {
    const waiting = await openWaits(t, open, { maxWaiting: 2 });
    const results = [waitFor(waiting), waitFor(waiting)];
    assert.equal(waiting.waits.count, 2);
    assert.equal((await waitFor(waiting)).done, false);
    waiting.waits[Symbol.dispose]();
    for (const { done } of await Promise.all(results)) assert.equal(done, false);
    assert.equal((await waitFor(waiting)).done, false);
    assert.equal(waiting.waits.count, 0);
  });

  test('who is gone is not waited for', async (t) => {
    const waiting = await openWaits(t, open);
    const caller = new AbortController();
    const result = waitFor(waiting, { signal: caller.signal });
    caller.abort(new Error('the connection is gone'));
    await assert.rejects(result, /the connection is gone/);
    await assert.rejects(waitFor(waiting, { signal: caller.signal }), /the connection is gone/);
    assert.equal(waiting.waits.count, 0);
    await assert.rejects(waitFor({ ...waiting, operationId: 'x' }), { code: 'NOT_FOUND' });
    assert.equal(waiting.waits.count, 0);
  });
});
