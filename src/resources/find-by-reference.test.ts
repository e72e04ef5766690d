import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { addDisk, addSnapshot } from '../../test/fixtures/disk-fixture.ts';
import { folderId, makeImage, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import { findDiskInZone } from '../disks/find-disk-in-zone.ts';
import { findImageInFolder } from '../images/find-image-in-folder.ts';
import { insertImage } from '../images/image-rows.ts';
import { resourceNumber } from '../lib/resource-number.ts';
import { findSnapshotInFolder } from '../snapshots/find-snapshot-in-folder.ts';

eachDatabase(({ open }) => {
  test('a resource is found by its name, its number, and by its id when it has no name', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = [makeImage({ name: 'debian' }), makeImage()];
    await db.transact(async (tx) => {
      for (const image of images) await insertImage(tx, image);
    });
    const disks = [await addDisk(db, { name: 'data' }), await addDisk(db)];
    const snapshots = [await addSnapshot(db, { name: 'daily' }), await addSnapshot(db)];
    const zoneId = 'ru-central1-a';
    const kinds = [
      [images, (folder: string, reference: string) => findImageInFolder({ db }, { folderId: folder, reference })],
      [disks, (folder: string, reference: string) => findDiskInZone({ db }, { folderId: folder, zoneId, reference })],
      [snapshots, (folder: string, reference: string) => findSnapshotInFolder({ db }, { folderId: folder, reference })],
    ] as const;
    for (const [[named, unnamed], find] of kinds) {
      assert.ok(named !== undefined && unnamed !== undefined);
      assert.deepEqual(await find(folderId, named.name), named);
      assert.deepEqual(await find(folderId, resourceNumber(named.id)), named);
      assert.deepEqual(await find(folderId, resourceNumber(unnamed.id)), unnamed);
      assert.deepEqual(await find(folderId, unnamed.id), unnamed);
      for (const reference of ['', 'other', named.id, '1', '0', `0${resourceNumber(named.id)}`]) {
        assert.equal(await find(folderId, reference), undefined, reference);
      }
      for (const reference of [named.name, unnamed.id, resourceNumber(named.id)]) {
        assert.equal(await find('b1gother', reference), undefined, reference);
      }
    }
    const elsewhere = { folderId, zoneId: 'ru-central1-b' };
    for (const reference of ['data', resourceNumber(disks[0]?.id ?? '')]) {
      assert.equal(await findDiskInZone({ db }, { ...elsewhere, reference }), undefined);
    }
  });
});
