import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { catalog, createDiskRequest, makeDisk, makeSnapshot } from '../../test/fixtures/disk-fixture.ts';
import { caller, folderId, makeImage, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import type { Database } from '../db/database.ts';
import { createDisk } from '../disks/create-disk.ts';
import { deleteDiskRow, insertDisk, lockDisk, replaceDisk } from '../disks/disk-rows.ts';
import { ServiceError } from '../errors.ts';
import { deleteImageRow, insertImage, replaceImage } from '../images/image-rows.ts';
import { lockImageSource } from '../images/image-source.ts';
import { insertOperation } from '../operations/insert-operation.ts';
import { updateRow } from '../operations/operation-rows.ts';
import { insertSnapshot, lockSnapshotSource } from '../snapshots/snapshot-rows.ts';
import { assertRoomInQuota, assertWithinQuotas } from './check-quotas.ts';
import { getQuota } from './get-quota.ts';
import { listQuotas } from './list-quotas.ts';
import { diskSizeQuota, maxQuota, type QuotaName } from './quota.ts';
import { findMiscounted, recountUsage, replaceQuotaDefaults } from './quota-rows.ts';
import { setQuota } from './set-quota.ts';

const gib = 1024 ** 3;
const sources = { image: lockImageSource, snapshot: lockSnapshotSource };

/** What is used of what is used at all; the folder that all is in aside. */
async function usage(db: Database, cloudId = 'cloud'): Promise<Record<string, number>> {
  const quotas = await listQuotas({ db }, { cloudId });
  return Object.fromEntries(
    quotas
      .filter(({ name, used }) => used !== 0 && name !== 'resource-manager.folders.count')
      .map(({ name, used }) => [name, used]),
  );
}

const limitTo = (db: Database, name: QuotaName, limit: number) => setQuota({ db }, { cloudId: 'cloud', name, limit });

const isRefused = (words: string) => (error: unknown) =>
  error instanceof ServiceError &&
  error.code === 'RESOURCE_EXHAUSTED' &&
  error.message === `The limit on ${words} has exceeded.`;

eachDatabase(({ open }) => {
  test('counts what is there, as it comes, changes and goes', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = makeImage({ storageSizeBytes: 0, status: 'CREATING', pooled: true });
    const disk = makeDisk({ sizeBytes: 4 * gib });
    await db.transact(async (tx) => {
      await insertImage(tx, image);
      await insertDisk(tx, disk);
      await insertDisk(tx, makeDisk({ sizeBytes: gib, typeId: 'network-ssd' }));
      await insertSnapshot(tx, makeSnapshot({ storageSizeBytes: 7 }));
    });
    const started = await db.transact((tx) => insertOperation(tx, someOperation(image.id)));
    assert.deepEqual(await usage(db), {
      'compute.images.count': 1,
      'compute.diskPools.count': 1,
      'compute.disks.count': 2,
      'compute.hddDisks.size': 4 * gib,
      'compute.ssdDisks.size': gib,
      'compute.snapshots.count': 1,
      'compute.snapshots.size': 7,
      'compute.operations.count': 1,
    });

    await db.transact(async (tx) => {
      await replaceImage(tx, { ...image, status: 'READY', storageSizeBytes: 5 });
      await replaceDisk(tx, { ...disk, sizeBytes: 6 * gib });
      await updateRow(tx, started.id, { state: 'running' });
    });
    const grown = await usage(db);
    assert.deepEqual([grown['compute.images.size'], grown['compute.hddDisks.size']], [5, 6 * gib]);
    assert.equal(grown['compute.operations.count'], 1);
    assert.deepEqual(await findMiscounted(db.read), []);

    await db.transact(async (tx) => {
      await deleteImageRow(tx, image.id);
      await deleteDiskRow(tx, disk.id);
      await updateRow(tx, started.id, { state: 'done' });
    });
    const left = ['compute.disks.count', 'compute.ssdDisks.size', 'compute.snapshots.count', 'compute.snapshots.size'];
    assert.deepEqual(Object.keys(await usage(db)).sort(), left.sort());
    assert.deepEqual(await findMiscounted(db.read), []);
  });

  test('a disk that moves counts where it is', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = makeDisk({ sizeBytes: gib });
    await db.transact(async (tx) => {
      const common = { description: '', labels: '{}', created_at: 0 };
      await tx
        .insertInto('clouds')
        .values({ ...common, id: 'other', name: 'other', organization_id: '' })
        .execute();
      const folder = { ...common, id: 'elsewhere', name: 'f', cloud_id: 'other', status: 'ACTIVE' } as const;
      await tx.insertInto('folders').values(folder).execute();
      await insertDisk(tx, disk);
    });
    await db.transact(async (tx) => {
      await lockDisk(tx, disk.id);
      await replaceDisk(tx, { ...disk, folderId: 'elsewhere' });
    });
    assert.deepEqual(await usage(db), {});
    assert.deepEqual(await usage(db, 'other'), { 'compute.disks.count': 1, 'compute.hddDisks.size': gib });
  });

  test('50 creates at once against a limit of 10 make 10', async (t) => {
    const db = await openImageDatabase(t, open);
    await limitTo(db, 'compute.disks.count', 10);
    const request = createDiskRequest({ sizeBytes: gib });
    const creates = Array.from({ length: 50 }, () => createDisk({ db, catalog, sources }, request, caller));
    const ends = await Promise.allSettled(creates);
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 10);
    for (const end of ends) {
      if (end.status === 'rejected') assert.ok(isRefused('maximum number of disks')(end.reason), String(end.reason));
    }
    const { n } = await db.read
      .selectFrom('disks')
      .select((disks) => disks.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    assert.equal(Number(n), 10);
    assert.equal((await usage(db))['compute.disks.count'], 10);
  });

  test('a create that does not fit leaves nothing, and what was deleted can be used again', async (t) => {
    const db = await openImageDatabase(t, open);
    await limitTo(db, 'compute.hddDisks.size', 2 * gib);
    const create = (sizeBytes: number) =>
      createDisk({ db, catalog, sources }, createDiskRequest({ sizeBytes, source: undefined }), caller);
    const { resourceId } = await create(2 * gib);
    await assert.rejects(create(gib), isRefused('total size of network-hdd disks'));
    assert.deepEqual(await usage(db), { 'compute.disks.count': 1, 'compute.hddDisks.size': 2 * gib });
    await db.transact((tx) => deleteDiskRow(tx, resourceId));
    await create(gib);
  });

  test('a cloud’s own limit stands before the default, until it is taken back', async (t) => {
    const db = await openImageDatabase(t, open);
    const name = 'compute.images.count';
    const unlimited = await getQuota({ db }, { cloudId: 'cloud', name });
    assert.deepEqual([unlimited.limit, unlimited.defaultLimit], [maxQuota, maxQuota]);
    await db.transact((tx) => replaceQuotaDefaults(tx, new Map([[name, 7]])));
    assert.equal((await limitTo(db, name, 3)).limit, 3);
    assert.deepEqual((await setQuota({ db }, { cloudId: 'cloud', name, limit: undefined })).limit, 7);
    await assert.rejects(setQuota({ db }, { cloudId: 'nowhere', name, limit: 1 }), { code: 'NOT_FOUND' });
    await assert.rejects(getQuota({ db }, { cloudId: 'cloud', name: 'compute.gpus.count' }), { code: 'NOT_FOUND' });
  });

  test('what is known to be needed is refused before it is there', async (t) => {
    const db = await openImageDatabase(t, open);
    await limitTo(db, 'compute.images.size', 10);
    await db.transact((tx) => insertImage(tx, makeImage({ storageSizeBytes: 8 })));
    const room = (amount: number) =>
      db.transact((tx) => assertRoomInQuota(tx, folderId, 'compute.images.size', amount));
    await room(2);
    await assert.rejects(room(3), (error: unknown) => {
      assert.ok(error instanceof ServiceError);
      const facts = { cloudId: 'cloud', name: 'compute.images.size', limit: 10, used: 8, required: 11 };
      assert.deepEqual(error.quota, { ...facts, words: 'total size of images', unit: 'bytes' });
      return true;
    });
    await db.transact((tx) => assertWithinQuotas(tx, folderId, { 'compute.images.size': 8 }));
  });

  test('a count that went wrong is found, and made right', async (t) => {
    const db = await openImageDatabase(t, open);
    await db.transact(async (tx) => {
      await insertImage(tx, makeImage({ storageSizeBytes: 3 }));
      await tx.updateTable('quota_usage').set({ used: 9 }).where('name', '=', 'compute.images.size').execute();
    });
    const [found, ...others] = await findMiscounted(db.read);
    assert.deepEqual(found, { cloudId: 'cloud', name: 'compute.images.size', counted: 3, used: 9 });
    assert.equal(others.length, 0);
    await db.transact(recountUsage);
    assert.deepEqual(await findMiscounted(db.read), []);
  });

  test('the bytes of every type of disk count as the table of the triggers says', async (t) => {
    const db = await openImageDatabase(t, open);
    const types = ['network-hdd', 'network-ssd', 'network-ssd-nonreplicated', 'network-ssd-io-m3', 'our-own'];
    for (const typeId of types) {
      const disk = makeDisk({ typeId, sizeBytes: gib });
      await db.transact((tx) => insertDisk(tx, disk));
      assert.equal((await usage(db))[diskSizeQuota(typeId)], gib, typeId);
      assert.deepEqual(await findMiscounted(db.read), []);
      await db.transact((tx) => deleteDiskRow(tx, disk.id));
    }
  });
});

function someOperation(resourceId: string) {
  return { kind: 'image.create', folderId, resourceId, description: 'Create image', createdBy: 'aje', input: {} };
}
