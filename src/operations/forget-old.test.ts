import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqlite } from '../db/open-sqlite.ts';
import { forgetOld } from './forget-old.ts';
import { getOperation } from './get-operation.ts';
import { insertFinishedOperation, insertOperation } from './insert-operation.ts';

test('forgets operations that are long done, and no others', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'obraz-forget-'));
  try {
    await using db = await openSqlite(join(directory, 'metadata.db'));
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
  } finally {
    await rm(directory, { recursive: true });
  }
});
