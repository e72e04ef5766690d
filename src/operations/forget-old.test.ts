import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { forgetOld } from './forget-old.ts';
import { getOperation } from './get-operation.ts';
import { insertFinishedOperation, insertOperation } from './insert-operation.ts';

eachDatabase(({ open }) => {
  test('forgets operations that are long done, and no others', async () => {
    await using db = await open();
    const about = { kind: 'k', folderId: 'f', resourceId: 'r', description: '', createdBy: 's' };
    const operations = await db.transact(async (tx) => ({
      old: await insertFinishedOperation(tx, { ...about, result: {}, now: new Date(1_000) }),
      fresh: await insertFinishedOperation(tx, { ...about, result: {}, now: new Date(9_000) }),
      waiting: await insertOperation(tx, { ...about, input: {}, now: new Date(1_000) }),
    }));
    const retention = { idempotencyKeysMs: 5_000, operationsMs: 5_000 };
    assert.equal(await forgetOld({ db, now: () => 10_000 }, retention), 1);
    await assert.rejects(getOperation({ db }, { operationId: operations.old.id }), /not found/);
    await getOperation({ db }, { operationId: operations.fresh.id });
    await getOperation({ db }, { operationId: operations.waiting.id });
  });
});
