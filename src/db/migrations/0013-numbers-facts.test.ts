import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../../test/fixtures/databases.ts';
import { makeDisk, makeSnapshot } from '../../../test/fixtures/disk-fixture.ts';
import { makeImage, openImageDatabase } from '../../../test/fixtures/image-fixture.ts';
import { insertDisk } from '../../disks/disk-rows.ts';
import { findImage, insertImage } from '../../images/image-rows.ts';
import { resourceNumber } from '../../lib/resource-number.ts';
import { insertFinishedOperation } from '../../operations/insert-operation.ts';
import { insertSnapshot } from '../../snapshots/snapshot-rows.ts';
import type { Transaction } from '../database.ts';
import { addFacts } from './0013-facts.ts';
import { addNumbers } from './0013-numbers.ts';

const about = { folderId: 'f', description: 'Work', createdBy: 's', result: {} };

/** The tables as the version before left them. */
async function undo(tx: Transaction): Promise<void> {
  const added = {
    images: ['guest', 'origin', 'storage_locations', 'deprecation', 'deprecation_state'],
    disks: ['guest', 'origin'],
    snapshots: ['guest', 'origin', 'storage_locations'],
    operations: ['resource_name', 'zone_id'],
  };
  for (const index of ['operations_by_folder', 'operations_by_zone', 'images_by_family']) {
    await tx.schema.dropIndex(index).execute();
  }
  await tx.schema.createIndex('images_by_family').on('images').column('family').execute();
  await tx.schema.dropTable('image_initial_states').execute();
  for (const [table, columns] of Object.entries(added)) {
    await tx.schema.dropIndex(`${table}_number`).execute();
    for (const column of ['number', ...columns]) await tx.schema.alterTable(table).dropColumn(column).execute();
  }
}

eachDatabase(({ open }) => {
  test('numbers and names what an earlier version left, in batches', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = makeImage({ name: 'debian', family: 'fam' });
    const unnamed = makeImage();
    const disk = makeDisk({ name: 'data' });
    const snapshot = makeSnapshot();
    const many = Array.from({ length: 1_001 }, () => makeImage());
    const gone = { kind: 'image.delete', resourceId: 'fd8gone' };
    await db.transact(async (tx) => {
      for (const one of [image, unnamed, ...many]) await insertImage(tx, one);
      await insertDisk(tx, disk);
      await insertSnapshot(tx, snapshot);
      for (const [kind, { id: resourceId }] of [
        ['image.create', image],
        ['image.create', unnamed],
        ['disk.update', disk],
        ['snapshot.create', snapshot],
        ['folder.update', { id: 'f' }],
      ] as const) {
        await insertFinishedOperation(tx, { ...about, kind, resourceId });
      }
      await insertFinishedOperation(tx, { ...about, ...gone });
      await undo(tx);
      await addNumbers(tx, db.dialect);
      await addFacts(tx, db.dialect);
    });
    for (const table of ['images', 'disks', 'snapshots', 'operations'] as const) {
      const rows = await db.read.selectFrom(table).select(['id', 'number']).execute();
      for (const { id, number } of rows) assert.equal(number, resourceNumber(id));
    }
    assert.deepEqual(await findImage(db.read, image.id), image);
    const operations = await db.read
      .selectFrom('operations')
      .select(['resource_id', 'resource_name', 'zone_id'])
      .execute();
    assert.deepEqual(
      new Map(operations.map((row) => [row.resource_id, [row.resource_name, row.zone_id]])),
      new Map([
        [image.id, ['debian', '']],
        [unnamed.id, [unnamed.id, '']],
        [disk.id, ['data', disk.zoneId]],
        [snapshot.id, [snapshot.id, '']],
        ['f', ['', '']],
        ['fd8gone', ['fd8gone', '']],
      ]),
    );
  });
});
