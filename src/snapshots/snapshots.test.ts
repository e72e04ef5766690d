import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { addDisk, addSnapshot, heldVolume, makeDisk, makeSnapshot } from '../../test/fixtures/disk-fixture.ts';
import {
  caller,
  createRequest,
  folderId,
  guestDetails as guest,
  openImageDatabase,
  volumeSizeBytes,
} from '../../test/fixtures/image-fixture.ts';
import { frozenHere, testNodeId } from '../../test/fixtures/node-fixture.ts';
import { untouchedContents } from '../../test/fixtures/untouched-disks.ts';
import type { Database } from '../db/database.ts';
import type { DiskContents } from '../disks/disk-contents.ts';
import { failedPrecondition } from '../errors.ts';
import { createImage } from '../images/create-image.ts';
import { getImage } from '../images/get-image.ts';
import { getOperation } from '../operations/get-operation.ts';
import { kindsByName } from '../operations/kind.ts';
import { noGuestDetails } from '../resources/guest-details.ts';
import { originOf } from '../resources/origin.ts';
import { changeSnapshot } from './change-snapshot.ts';
import { type CreateSnapshot, createSnapshot } from './create-snapshot.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { discardSnapshot } from './discard-snapshot.ts';
import { getSnapshot } from './get-snapshot.ts';
import { listSnapshotOperations } from './list-snapshot-operations.ts';
import { listSnapshots } from './list-snapshots.ts';
import type { Snapshot } from './snapshot.ts';
import { snapshotFromJson, snapshotToJson } from './snapshot-json.ts';
import { insertSnapshot } from './snapshot-rows.ts';
import { updateSnapshot } from './update-snapshot.ts';

const gib = 1024 ** 3;
const runner = { wake() {}, abort() {} };
const kinds = kindsByName([
  {
    name: 'snapshot.create',
    run: () => new Promise(() => {}),
    abandon: (tx, { resourceId }) => discardSnapshot(tx, resourceId),
  },
]);
/** Disks that were all written to. */
const writtenContents: DiskContents = { ...untouchedContents, freeze: async () => frozenHere('frozen') };

function start(db: Database, changes: Partial<CreateSnapshot>, contents = untouchedContents) {
  const nothing = { folderId, diskId: '', name: '', description: '', labels: {}, hardwareGeneration: undefined };
  return createSnapshot({ db, contents, runner }, { ...nothing, ...changes }, caller);
}

function startImage(db: Database, source: Parameters<typeof createRequest>[0], contents = untouchedContents) {
  return createImage({ db, runner, contents, checkUri: () => undefined }, createRequest(source), caller);
}

async function references(db: Database): Promise<string[]> {
  const rows = await db.read.selectFrom('volume_references').select('holder_id').orderBy('holder_id').execute();
  return rows.map(({ holder_id }) => holder_id);
}

eachDatabase(({ open }) => {
  test('a snapshot is the same after its row and after its JSON', async (t) => {
    const db = await openImageDatabase(t, open);
    const snapshots = [
      makeSnapshot({ labels: { a: '', 'b/c': 'd' }, productIds: ['f2e'], name: 'n' }),
      makeSnapshot({ status: 'CREATING', volume: undefined, hardwareGeneration: { kind: 'generation2' } }),
      makeSnapshot({ guest, storageLocations: ['eu', 'us'], origin: originOf('disk', makeDisk({ name: 'data' })) }),
    ];
    for (const snapshot of snapshots) {
      await db.transact((tx) => insertSnapshot(tx, snapshot));
      assert.deepEqual(await getSnapshot({ db }, { snapshotId: snapshot.id }), snapshot);
      assert.deepEqual(snapshotFromJson(JSON.parse(JSON.stringify(snapshotToJson(snapshot)))), snapshot);
    }
    const { guest: _, storageLocations, origin, ...ofEarlierVersion } = snapshotToJson(makeSnapshot());
    assert.deepEqual([storageLocations, origin], [[], null]);
    assert.deepEqual({ ...snapshotFromJson(ofEarlierVersion), id: '' }, makeSnapshot({ id: '' }));
  });

  test("of a disk that is its image still, it is the image's volume under a new name", async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db, {
      guest,
      zoneId: 'ru-central1-d',
      productIds: ['f2ea'],
      hardwareGeneration: { kind: 'generation2' },
    });
    const operation = await start(db, { diskId: disk.id, name: 'first', labels: { a: 'b' } });
    assert.deepEqual(
      [operation.kind, operation.description, operation.done],
      ['snapshot.create', 'Create snapshot', true],
    );
    const snapshot = await getSnapshot({ db }, { snapshotId: operation.resourceId });
    assert.deepEqual(snapshotFromJson(operation.result), snapshot);
    assert.ok(snapshot.id.startsWith('fv4'));
    const { id, createdAt } = snapshot;
    const { productIds, hardwareGeneration } = disk;
    const origin = { kind: 'disk', id: disk.id, folderId, name: disk.id, zoneId: 'ru-central1-d' } as const;
    const inherited = { productIds, hardwareGeneration, guest, origin, sourceDiskId: disk.id };
    assert.deepEqual(snapshot, makeSnapshot({ id, createdAt, name: 'first', labels: { a: 'b' }, ...inherited }));
    assert.deepEqual(await references(db), [disk.id, snapshot.id].toSorted());
  });

  test('of any other disk it is CREATING, holds the base, and an operation is to store it', async (t) => {
    const db = await openImageDatabase(t, open);
    const written = await addDisk(db);
    const grown = await addDisk(db, { sizeBytes: 20 * gib });
    const blank = await addDisk(db, { base: undefined });
    const { volumeId } = heldVolume;
    const cases = [
      [written, writtenContents, { volumeId, frozenId: 'frozen', nodeId: testNodeId }],
      [grown, untouchedContents, { volumeId, frozenId: null, nodeId: '' }],
      [blank, untouchedContents, { volumeId: null, frozenId: null, nodeId: '' }],
    ] as const;
    for (const [disk, contents, input] of cases) {
      const operation = await start(db, { diskId: disk.id }, contents);
      assert.equal(operation.done, false);
      const about = { diskId: disk.id, diskName: disk.id, sizeBytes: disk.sizeBytes };
      assert.deepEqual(operation.input, { ...about, ...input });
      const snapshot = await getSnapshot({ db }, { snapshotId: operation.resourceId });
      assert.deepEqual([snapshot.status, snapshot.diskSizeBytes], ['CREATING', disk.sizeBytes]);
      assert.equal((await references(db)).includes(snapshot.id), disk !== blank);
    }
  });

  test("its operation is in the disk's zone where it was asked of the disk, and else in none", async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db, { name: 'data', zoneId: 'ru-central1-b' });
    const storageLocations = ['eu'];
    const asked = await start(db, { diskId: disk.id, name: 'one', isAskedOfDisk: true, storageLocations });
    const other = await start(db, { diskId: disk.id, guest: { ...noGuestDetails, architecture: 'X86_64' } });
    assert.deepEqual([asked.resourceName, asked.zoneId], ['one', 'ru-central1-b']);
    assert.deepEqual([other.resourceName, other.zoneId], [other.resourceId, '']);
    const { input } = asked;
    assert.deepEqual({ ...Object(input), diskName: 'data' }, input);
    assert.deepEqual(snapshotFromJson(asked.result).storageLocations, ['eu']);
    assert.equal(snapshotFromJson(other.result).guest.architecture, 'X86_64');
  });

  test('changes what is named when the snapshot is as it was believed to be', async (t) => {
    const db = await openImageDatabase(t, open);
    const snapshot = await addSnapshot(db, { name: 'daily', labels: { a: 'b' } });
    const check = ({ labels }: Snapshot) => {
      if (labels.a !== 'b') throw failedPrecondition('STALE', 'the labels have changed');
    };
    const change = { snapshotId: snapshot.id, change: { labels: {} }, check };
    const operation = await changeSnapshot({ db }, change, caller);
    assert.deepEqual(operation.input, { changed: ['labels'] });
    assert.deepEqual([operation.resourceName, operation.zoneId], ['daily', '']);
    await assert.rejects(changeSnapshot({ db }, change, caller), { reason: 'STALE' });
    assert.deepEqual(await getSnapshot({ db }, { snapshotId: snapshot.id }), { ...snapshot, labels: {} });
  });

  test('refuses disks that are not there or of another cloud, and names that are taken', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db);
    await addSnapshot(db, { name: 'taken' });
    const unmet = 'FAILED_PRECONDITION';
    await assert.rejects(start(db, { diskId: 'x' }), { code: unmet, message: 'Disk "x" not found' });
    await assert.rejects(start(db, { diskId: disk.id, folderId: 'x' }), { code: 'NOT_FOUND' });
    await assert.rejects(start(db, { diskId: disk.id, name: 'taken' }), {
      code: 'ALREADY_EXISTS',
      message: 'Snapshot with name "taken" already exists',
    });
  });

  test('images of snapshots and disks inherit what they are made from has', async (t) => {
    const db = await openImageDatabase(t, open);
    const inherited = { productIds: ['f2ea'], hardwareGeneration: { kind: 'generation2' } } as const;
    const windows = { type: 'WINDOWS', nvidiaDriver: '' } as const;
    const disk = await addDisk(db, { ...inherited, os: windows });
    const snapshot = await addSnapshot(db, inherited);
    const content = { status: 'READY', volumeId: heldVolume.volumeId, storageSizeBytes: 1 } as const;
    for (const [source, os] of [
      [{ kind: 'disk', diskId: disk.id }, windows],
      [
        { kind: 'snapshot', snapshotId: snapshot.id },
        { type: 'LINUX', nvidiaDriver: '' },
      ],
    ] as const) {
      const operation = await startImage(db, { source });
      assert.equal(operation.done, true);
      const image = await getImage({ db }, { imageId: operation.resourceId });
      assert.deepEqual({ ...image, ...inherited, ...content, os }, image);
      assert.deepEqual([image.sizeBytes, image.minDiskSizeBytes], [volumeSizeBytes, volumeSizeBytes]);
      assert.ok((await references(db)).includes(image.id));
    }
  });

  test('an image of a disk that was written to is CREATING, and cannot be for smaller disks', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db, { sizeBytes: 20 * gib });
    const source = { kind: 'disk', diskId: disk.id } as const;
    const operation = await startImage(db, { source }, writtenContents);
    const content = {
      diskId: disk.id,
      sizeBytes: 20 * gib,
      volumeId: heldVolume.volumeId,
      frozenId: 'frozen',
      nodeId: testNodeId,
    };
    assert.deepEqual(operation.input, { disk: content });
    const image = await getImage({ db }, { imageId: operation.resourceId });
    assert.deepEqual([image.status, image.minDiskSizeBytes], ['CREATING', 20 * gib]);
    await assert.rejects(startImage(db, { source, minDiskSizeBytes: 10 * gib }), {
      code: 'INVALID_ARGUMENT',
      message: `Minimal disk size should be greater or equal than ${20 * gib}`,
    });
  });

  test('updates what its mask names, and without one everything', async (t) => {
    const db = await openImageDatabase(t, open);
    const snapshot = await addSnapshot(db, { name: 'old', description: 'old', labels: { a: '1' } });
    const update = async (paths: string[] | undefined) => {
      const request = { snapshotId: snapshot.id, paths, name: 'new', description: '', labels: {} };
      return snapshotFromJson((await updateSnapshot({ db }, request, caller)).result);
    };
    assert.deepEqual(await update(['name']), { ...snapshot, name: 'new' });
    assert.deepEqual(await update(undefined), { ...snapshot, name: 'new', description: '', labels: {} });
    await assert.rejects(update(['disk_size']), { code: 'INVALID_ARGUMENT', message: /"disk_size" cannot be updated/ });
  });

  test('deletes at once, and ends what was still storing it; disks made from it stay', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db);
    const remove = (snapshotId: string) => deleteSnapshot({ db, kinds, runner }, { snapshotId }, caller);
    const storing = await start(db, { diskId: disk.id, name: 'mine' }, writtenContents);
    await remove(storing.resourceId);
    assert.equal((await getOperation({ db }, { operationId: storing.id })).error?.code, 'CANCELLED');
    assert.deepEqual(await references(db), [disk.id]);
    const ready = await start(db, { diskId: disk.id, name: 'mine' });
    const { operations } = await listSnapshotOperations(
      { db },
      { snapshotId: ready.resourceId, pageSize: 0, pageToken: '' },
    );
    assert.deepEqual(
      operations.map(({ id }) => id),
      [ready.id],
    );
    assert.deepEqual((await remove(ready.resourceId)).result, {});
    await assert.rejects(remove(ready.resourceId), { code: 'NOT_FOUND' });
    assert.deepEqual(await references(db), [disk.id]);
  });

  test('lists the snapshots of a disk', async (t) => {
    const db = await openImageDatabase(t, open);
    const ofOne = await addSnapshot(db, { sourceDiskId: 'one', labels: { a: 'b' } });
    await addSnapshot(db, { sourceDiskId: 'two' });
    for (const filter of ['source_disk_id = one', 'sourceDiskId != two', 'labels.a = b']) {
      const request = { folderId, pageSize: 0, pageToken: '', orderBy: 'createdAt desc', filter };
      const { snapshots } = await listSnapshots({ db }, request);
      assert.deepEqual(snapshots, [ofOne], filter);
    }
  });
});
