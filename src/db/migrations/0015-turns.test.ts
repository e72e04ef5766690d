import assert from 'node:assert/strict';
import test from 'node:test';
import { sql } from 'kysely';
import { eachDatabase } from '../../../test/fixtures/databases.ts';
import { folderId, openImageDatabase } from '../../../test/fixtures/image-fixture.ts';
import { insertFinishedOperation, insertOperation } from '../../operations/insert-operation.ts';
import { findNextDue } from '../../operations/next-due.ts';
import { createTurns } from './0015-turns.ts';

eachDatabase(({ open }) => {
  test('what an earlier version left to be done is in its cloud’s turn', async (t) => {
    const db = await openImageDatabase(t, open);
    const about = { kind: 'work', resourceId: 'r', description: 'Work', createdBy: 's' };
    const [waiting, nowhere, done] = await db.transact(async (tx) => {
      for (const index of ['operations_waiting', 'operations_running']) await tx.schema.dropIndex(index).execute();
      const made = [
        await insertOperation(tx, { ...about, folderId, input: null }),
        await insertOperation(tx, { ...about, folderId: 'deleted', input: null }),
        await insertFinishedOperation(tx, { ...about, folderId, result: null }),
      ];
      await tx.schema.alterTable('operations').dropColumn('cloud_id').execute();
      await tx.schema.dropTable('operation_turns').execute();
      await sql`create index operations_to_run on operations (run_after) where state <> 'done'`.execute(tx);
      await createTurns(tx, db.dialect);
      return made.map(({ id }) => id);
    });
    const rows = await db.read.selectFrom('operations').select(['id', 'cloud_id']).execute();
    const clouds = new Map(rows.map(({ id, cloud_id }) => [id, cloud_id]));
    assert.deepEqual(
      [waiting, nowhere, done].map((id) => clouds.get(id ?? '')),
      ['cloud', '', ''],
    );
    const query = { kinds: ['work'], except: [waiting ?? ''], unrenewed: [] };
    assert.equal((await findNextDue(db.read, query))?.id, nowhere);
  });
});
