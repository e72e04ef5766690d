import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { addDisk, addSnapshot, makeDisk, makeSnapshot } from '../../test/fixtures/disk-fixture.ts';
import {
  caller,
  folderId,
  makeImage,
  openImageDatabase,
  volumeId,
  volumeSizeBytes,
} from '../../test/fixtures/image-fixture.ts';
import type { Database } from '../db/database.ts';
import { insertDisk } from '../disks/disk-rows.ts';
import { ServiceError } from '../errors.ts';
import { standardImagesCloudId } from '../folders/standard-images.ts';
import { insertImage } from '../images/image-rows.ts';
import { insertSnapshot } from '../snapshots/snapshot-rows.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import { checkHolders } from './check-holders.ts';
import { getSpace } from './get-space.ts';
import { startCheck, startCompaction, startScrub } from './start-store-operation.ts';

const digest = '00'.repeat(32);

async function namesOf(db: Database): Promise<string[]> {
  return (await Array.fromAsync(checkHolders(db.read))).map(({ what, id }) => `${what} ${id}`);
}

async function insertPack(db: Database, id: string, changes: { state: 'live' | 'condemned'; live_bytes?: number }) {
  const fixed = { operation_id: 'op', lease_epoch: 1, created_at: 0, was_sealed: 1, condemned_at: null };
  await db.transact((tx) =>
    tx
      .insertInto('packs')
      .values({ id, domain_id: 'cloud', size: 1000, ...fixed, ...changes })
      .execute(),
  );
}

eachDatabase(({ open }) => {
  test('what holds its volume is as it should be, and so is what has none yet', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = makeImage({ guestDigest: digest });
    await db.transact(async (tx) => {
      await insertImage(tx, image);
      await addVolumeReference(tx, image.id, volumeId);
    });
    await addDisk(db);
    await addDisk(db, { base: undefined });
    await addSnapshot(db);
    const storing = await addSnapshot(db, { status: 'CREATING', volume: undefined });
    await db.transact((tx) => addVolumeReference(tx, storing.id, volumeId));
    assert.deepEqual(await namesOf(db), []);
  });

  test('looks at references in ranges, and stops when it has found enough', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = makeImage({ guestDigest: digest });
    const holders = Array.from({ length: 2_500 }, (_, at) => `fd7${String(at).padStart(17, '0')}`);
    await db.transact(async (tx) => {
      await insertImage(tx, image);
      await addVolumeReference(tx, image.id, volumeId);
      for (let start = 0; start < holders.length; start += 500) {
        const rows = holders.slice(start, start + 500).map((holder_id) => ({ holder_id, volume_id: volumeId }));
        await tx.insertInto('volume_references').values(rows).execute();
      }
    });
    assert.equal((await namesOf(db)).length, 100, 'of the first range');
    await db.transact((tx) =>
      tx.deleteFrom('volume_references').where('holder_id', 'in', holders.slice(0, 2_450)).execute(),
    );
    assert.deepEqual(
      await namesOf(db),
      holders.slice(2_450).map((id) => `reference-without-holder ${id}`),
    );
  });

  test('finds what is wrong in each range', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = Array.from({ length: 1_200 }, () => makeImage({ guestDigest: digest }));
    const last = images.toSorted((a, b) => (a.id < b.id ? -1 : 1)).at(-1);
    await db.transact(async (tx) => {
      for (const image of images) {
        await insertImage(tx, { ...image, name: image.id });
        if (image !== last) await addVolumeReference(tx, image.id, volumeId);
      }
    });
    assert.deepEqual(await namesOf(db), [`image-without-volume ${last?.id}`]);
  });

  test('finds disks and snapshots that do not fit their volumes', async (t) => {
    const db = await openImageDatabase(t, open);
    const [disk, snapshot] = [makeDisk(), makeSnapshot()];
    await db.transact(async (tx) => {
      await insertDisk(tx, disk);
      await insertSnapshot(tx, snapshot);
    });
    const other = await addDisk(db, { base: { volumeId, sizeBytes: 4096, guestDigest: digest } });
    const shrunk = await addSnapshot(db, { diskSizeBytes: 4096 });
    assert.deepEqual(await namesOf(db), [
      `disk-without-volume ${disk.id}`,
      `snapshot-without-volume ${snapshot.id}`,
      `disk-differs ${other.id}`,
      `snapshot-differs ${shrunk.id}`,
    ]);
  });

  test('volumes of standard images are at home in every cloud, others in their own only', async (t) => {
    const db = await openImageDatabase(t, open);
    const { id } = await addDisk(db);
    const putInto = (domain_id: string) =>
      db.transact((tx) => tx.updateTable('volumes').set({ domain_id }).where('id', '=', volumeId).execute());
    await putInto(standardImagesCloudId);
    assert.deepEqual(await namesOf(db), []);
    await putInto('another');
    assert.deepEqual(await namesOf(db), [`disk-differs ${id}`]);
  });

  test('finds images, references, pins and checkpoints that do not fit', async (t) => {
    const db = await openImageDatabase(t, open);
    const alone = makeImage({ guestDigest: digest });
    const other = makeImage({ guestDigest: 'ff' });
    await insertPack(db, 'pack', { state: 'live' });
    await db.transact(async (tx) => {
      await insertImage(tx, alone);
      await insertImage(tx, other);
      await addVolumeReference(tx, other.id, volumeId);
      await addVolumeReference(tx, 'nobody', volumeId);
      await tx.insertInto('pack_pins').values({ operation_id: 'over', pack_id: 'pack' }).execute();
      const segment = { domain_id: '', segment_index: 0, done_bytes: 0, stored_bytes: 0 };
      await tx
        .insertInto('import_segments')
        .values({ operation_id: 'over', ...segment })
        .execute();
    });
    assert.deepEqual(await namesOf(db), [
      `image-without-volume ${alone.id}`,
      `image-differs ${other.id}`,
      'reference-without-holder nobody',
      'pin-without-operation over',
      'checkpoint-without-operation over',
    ]);
  });

  test('finds usage that is counted wrong', async (t) => {
    const db = await openImageDatabase(t, open);
    await addDisk(db, { base: undefined });
    assert.deepEqual(await namesOf(db), []);
    await db.transact((tx) =>
      tx.updateTable('quota_usage').set({ used: 5 }).where('name', '=', 'compute.disks.count').execute(),
    );
    assert.deepEqual(await namesOf(db), ['quota-usage cloud']);
  });

  test('space adds up', async (t) => {
    const db = await openImageDatabase(t, open);
    await insertPack(db, 'measured', { state: 'live', live_bytes: 400 });
    await insertPack(db, 'unmeasured', { state: 'live' });
    await insertPack(db, 'condemned', { state: 'condemned' });
    const image = makeImage({ guestDigest: digest });
    await db.transact(async (tx) => {
      await insertImage(tx, image);
      await addVolumeReference(tx, image.id, volumeId);
    });
    await addDisk(db);
    const { total, domains } = await getSpace({ db });
    assert.equal(domains.length, 1);
    assert.equal(total.logicalBytes, 2 * volumeSizeBytes, 'of the image, and of the base of the disk');
    const { uniqueBytes, garbageBytes, condemnedBytes, storedBytes, imageCount } = total;
    assert.deepEqual([uniqueBytes, garbageBytes, condemnedBytes, storedBytes, imageCount], [1400, 600, 1000, 3000, 1]);
  });

  test('one check, one scrub and one compaction at a time', async (t) => {
    const db = await openImageDatabase(t, open);
    let wakes = 0;
    const wake = () => {
      wakes += 1;
    };
    const deps = { db, folderId, runner: { wake } };
    const isRunning = (error: unknown) => error instanceof ServiceError && error.reason === 'ALREADY_RUNNING';
    await startCheck(deps, { readData: false, bytesPerSecond: 0 }, caller);
    await startScrub(deps, { bytesPerSecond: 0 }, caller);
    await assert.rejects(startCheck(deps, { readData: true, bytesPerSecond: 0 }, caller), isRunning);
    await assert.rejects(startScrub(deps, { bytesPerSecond: 0 }, caller), isRunning);
    await startCompaction({ ...deps, createdBy: 'service' });
    await startCompaction({ ...deps, createdBy: 'service' });
    const rows = await db.read.selectFrom('operations').select('kind').orderBy('kind').execute();
    assert.deepEqual(
      rows.map(({ kind }) => kind),
      ['store.check', 'store.compact', 'store.scrub'],
    );
    assert.ok(wakes >= 3);
  });
});
