import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { addDisk } from '../../test/fixtures/disk-fixture.ts';
import { caller, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import { noDiskUsers, untouchedContents } from '../../test/fixtures/untouched-disks.ts';
import { failedPrecondition } from '../errors.ts';
import { changeDisk } from './change-disk.ts';
import { deleteDisk } from './delete-disk.ts';
import type { Disk } from './disk.ts';
import { diskFromJson } from './disk-json.ts';
import { getDisk } from './get-disk.ts';

const gib = 1024 ** 3;

eachDatabase(({ open }) => {
  test('changes what is named when the disk is as it was believed to be', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db, {
      name: 'data',
      labels: { a: 'b' },
      placementPolicy: { groupId: 'g', partition: 2 },
    });
    const check = ({ labels }: Disk) => {
      if (labels.a !== 'b') throw failedPrecondition('STALE', 'the labels have changed');
    };
    const relabel = () => changeDisk({ db }, { diskId: disk.id, change: { labels: { c: 'd' } }, check }, caller);
    const operation = await relabel();
    const wanted = { ...disk, labels: { c: 'd' } };
    assert.deepEqual(diskFromJson(operation.result), wanted);
    assert.deepEqual(operation.input, { changed: ['labels'] });
    assert.deepEqual([operation.resourceName, operation.zoneId], ['data', 'ru-central1-a']);
    await assert.rejects(relabel(), { reason: 'STALE' });
    const grow = (sizeBytes: number) => changeDisk({ db }, { diskId: disk.id, change: { sizeBytes } }, caller);
    await grow(20 * gib);
    await assert.rejects(grow(10 * gib), { code: 'INVALID_ARGUMENT', reason: 'DISK_SIZE_TOO_SMALL' });
    assert.deepEqual(await getDisk({ db }, { diskId: disk.id }), { ...wanted, sizeBytes: 20 * gib });
  });

  test("a Delete's operation names the disk that is gone, and its zone", async (t) => {
    const db = await openImageDatabase(t, open);
    const deps = { db, users: noDiskUsers, contents: untouchedContents };
    for (const { id, name, zoneId } of [
      await addDisk(db, { name: 'data', zoneId: 'ru-central1-b' }),
      await addDisk(db),
    ]) {
      const operation = await deleteDisk(deps, { diskId: id }, caller);
      assert.deepEqual([operation.resourceName, operation.zoneId], [name === '' ? id : name, zoneId]);
    }
  });
});
