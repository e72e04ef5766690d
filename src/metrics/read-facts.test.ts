import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { insertFinishedOperation, insertOperation } from '../operations/insert-operation.ts';
import { readFacts } from './read-facts.ts';

const about = { folderId: 'f', resourceId: 'r', description: 'Work', createdBy: 's' };

eachDatabase(({ open }) => {
  test('counts what is not done, and says how long the oldest waits', async (t) => {
    const db = await open(t);
    const nothing = { count: 0, arrivedBytes: 0, promisedBytes: 0 };
    assert.deepEqual(await readFacts(db.read, 5_000), {
      operations: [],
      oldestWaitMs: 0,
      uploads: nothing,
      attachments: [],
    });
    await db.transact(async (tx) => {
      await insertOperation(tx, { ...about, kind: 'image.create', input: {}, now: new Date(1_000) });
      await insertOperation(tx, { ...about, kind: 'image.create', input: {}, now: new Date(2_000) });
      await insertOperation(tx, { ...about, kind: 'store.scrub', input: {}, now: new Date(9_000) });
      await insertFinishedOperation(tx, { ...about, kind: 'disk.create', result: {}, now: new Date(500) });
      const labels = { description: '', labels: '{}', created_at: 1 };
      await tx
        .insertInto('clouds')
        .values({ ...labels, id: 'c', name: 'c', organization_id: 'o' })
        .execute();
      await tx
        .insertInto('folders')
        .values({ ...labels, id: 'f', cloud_id: 'c', name: 'f', status: 'ACTIVE' })
        .execute();
      const upload = { folder_id: 'f', created_by: 's', created_at: 1, metadata: '', expires_at: 9, operation_id: '' };
      for (const [id, length, arrived] of [
        ['u1', 4_000_000_000, 1_000],
        ['u2', 5_000_000_000, 0],
      ] as const) {
        await tx
          .insertInto('uploads')
          .values({ ...upload, id, length, durable_length: arrived })
          .execute();
      }
      const attachment = {
        folder_id: 'f',
        resource_id: 'r',
        created_at: 1,
        created_by: 's',
        expires_at: null,
        node_id: '',
      };
      for (const id of ['a1', 'a2']) {
        await tx
          .insertInto('attachments')
          .values({ ...attachment, id, kind: 'disk', mode: 'read-only', ticket_sha256: id })
          .execute();
      }
    });
    const facts = await readFacts(db.read, 5_000);
    assert.deepEqual(
      facts.operations.toSorted((a, b) => a.kind.localeCompare(b.kind)),
      [
        { kind: 'image.create', state: 'pending', count: 2 },
        { kind: 'store.scrub', state: 'pending', count: 1 },
      ],
    );
    assert.equal(facts.oldestWaitMs, 4_000);
    assert.deepEqual(facts.uploads, { count: 2, arrivedBytes: 1_000, promisedBytes: 9_000_000_000 });
    assert.deepEqual(facts.attachments, [{ kind: 'disk', mode: 'read-only', count: 2 }]);
  });
});
