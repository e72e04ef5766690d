import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import {
  addDisk,
  addSnapshot,
  catalog,
  createDiskRequest,
  heldVolume,
  makeDisk,
} from '../../test/fixtures/disk-fixture.ts';
import {
  caller,
  folderId,
  guestDetails as guest,
  makeImage,
  openImageDatabase,
  volumeSizeBytes,
} from '../../test/fixtures/image-fixture.ts';
import { frozenHere } from '../../test/fixtures/node-fixture.ts';
import { noDiskUsers, untouchedContents } from '../../test/fixtures/untouched-disks.ts';
import type { Database } from '../db/database.ts';
import { insertImage } from '../images/image-rows.ts';
import { lockImageSource } from '../images/image-source.ts';
import { insertOperation } from '../operations/insert-operation.ts';
import { noGuestDetails } from '../resources/guest-details.ts';
import { lockSnapshotSource } from '../snapshots/snapshot-rows.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import { type CreateDisk, createDisk } from './create-disk.ts';
import { deleteDisk } from './delete-disk.ts';
import { type Disk, noPlacementPolicy } from './disk.ts';
import type { DiskUsers } from './disk-contents.ts';
import { diskFromJson, diskToJson } from './disk-json.ts';
import { insertDisk } from './disk-rows.ts';
import { getDisk } from './get-disk.ts';
import { listDiskOperations } from './list-disk-operations.ts';
import { listDisks } from './list-disks.ts';
import { moveDisk } from './move-disk.ts';
import { relocateDisk } from './relocate-disk.ts';
import { startFromDisk } from './start-from-disk.ts';
import { type UpdateDisk, updateDisk } from './update-disk.ts';

const gib = 1024 ** 3;
const sources = { image: lockImageSource, snapshot: lockSnapshotSource };
const someone: DiskUsers = { findUser: async () => 'vm-1' };

async function create(db: Database, changes: Partial<CreateDisk> = {}): Promise<Disk> {
  const operation = await createDisk({ db, catalog, sources }, createDiskRequest(changes), caller);
  assert.deepEqual([operation.kind, operation.description, operation.done], ['disk.create', 'Create disk', true]);
  const disk = await getDisk({ db }, { diskId: operation.resourceId });
  assert.deepEqual(diskFromJson(operation.result), disk);
  return disk;
}

async function update(db: Database, diskId: string, changes: Partial<UpdateDisk>): Promise<Disk> {
  const nothing = { paths: undefined, name: '', description: '', labels: {}, sizeBytes: 0 };
  const request = { diskId, ...nothing, placementPolicy: noPlacementPolicy, ...changes };
  return diskFromJson((await updateDisk({ db }, request, caller)).result);
}

const remove = (db: Database, diskId: string, { users = noDiskUsers, contents = untouchedContents } = {}) =>
  deleteDisk({ db, users, contents }, { diskId }, caller);

async function references(db: Database): Promise<string[]> {
  const rows = await db.read.selectFrom('volume_references').select('holder_id').orderBy('holder_id').execute();
  return rows.map(({ holder_id }) => holder_id);
}

async function addImage(db: Database, changes: Parameters<typeof makeImage>[0] = {}) {
  const image = makeImage({ guestDigest: heldVolume.guestDigest, ...changes });
  await db.transact(async (tx) => {
    await insertImage(tx, image);
    if (image.volumeId !== undefined) await addVolumeReference(tx, image.id, image.volumeId);
  });
  return image;
}

/** A second folder, in the cloud of the first or in another one. */
async function addFolder(db: Database, id: string, cloudId = 'cloud'): Promise<string> {
  const common = { description: '', labels: '{}', created_at: 0, name: id };
  await db.transact(async (tx) => {
    if (cloudId !== 'cloud') {
      await tx
        .insertInto('clouds')
        .values({ ...common, id: cloudId, organization_id: '' })
        .execute();
    }
    const folder = { ...common, id, cloud_id: cloudId, status: 'ACTIVE' } as const;
    await tx.insertInto('folders').values(folder).execute();
  });
  return id;
}

eachDatabase(({ open }) => {
  test('a disk is the same after its row and after its JSON', async (t) => {
    const db = await openImageDatabase(t, open);
    const disks = [
      makeDisk({ labels: { a: '', 'b/c': 'd' }, productIds: ['f2e'], name: 'n', source: { kind: 'image', id: 'fd8' } }),
      makeDisk({ os: { type: 'WINDOWS', nvidiaDriver: '' }, source: { kind: 'snapshot', id: 'fhm' } }),
      makeDisk({ guest, origin: { kind: 'image', id: 'fd8', folderId, name: 'debian', zoneId: '' } }),
      makeDisk({ base: undefined, placementPolicy: { groupId: 'group', partition: 3 } }),
    ];
    for (const disk of disks) {
      await db.transact((tx) => insertDisk(tx, disk));
      assert.deepEqual(await getDisk({ db }, { diskId: disk.id }), disk);
      assert.deepEqual(diskFromJson(JSON.parse(JSON.stringify(diskToJson(disk)))), disk);
    }
    const { guest: _, origin, ...ofEarlierVersion } = diskToJson(makeDisk());
    assert.equal(origin, null);
    assert.deepEqual({ ...diskFromJson(ofEarlierVersion), id: '' }, makeDisk({ id: '' }));
  });

  test('a blank disk is READY at once, of the usual type and hardware, and holds no volume', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await create(db, { name: 'blank', labels: { a: 'b' }, sizeBytes: 4 * gib });
    const { id, createdAt } = disk;
    const wanted = { id, createdAt, name: 'blank', labels: { a: 'b' }, sizeBytes: 4 * gib, base: undefined };
    assert.deepEqual(disk, makeDisk(wanted));
    assert.deepEqual(await references(db), []);
  });

  test("ids begin as those of the disk's zone do", async (t) => {
    const db = await openImageDatabase(t, open);
    for (const [zoneId, prefix] of [
      ['ru-central1-a', 'fhm'],
      ['ru-central1-b', 'epd'],
      ['ru-central1-d', 'fv4'],
    ] as const) {
      const { id } = await create(db, { zoneId });
      assert.ok(id.startsWith(prefix), id);
      const { operations } = await listDiskOperations({ db }, { diskId: id, pageSize: 0, pageToken: '' });
      assert.ok(operations[0]?.id.startsWith(prefix));
    }
  });

  test('a disk of an image begins with its volume, and inherits what was not said', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await addImage(db, {
      name: 'windows',
      productIds: ['f2ea'],
      os: { type: 'WINDOWS', nvidiaDriver: '550' },
      hardwareGeneration: { kind: 'generation2' },
      guest,
    });
    const { os, productIds, hardwareGeneration } = image;
    const source = { kind: 'image', id: image.id } as const;
    const disk = await create(db, { source, sizeBytes: 12 * gib });
    assert.deepEqual(disk.base, heldVolume);
    assert.deepEqual(
      { os, productIds, hardwareGeneration, guest, source },
      {
        os: disk.os,
        productIds: disk.productIds,
        hardwareGeneration: disk.hardwareGeneration,
        guest: disk.guest,
        source: disk.source,
      },
    );
    assert.deepEqual(disk.origin, { kind: 'image', id: image.id, folderId, name: 'windows', zoneId: '' });
    assert.deepEqual(await references(db), [image.id, disk.id].toSorted());
    const own = { ...noGuestDetails, licenses: ['mine'] };
    const said = await create(db, { source, hardwareGeneration: { kind: 'legacy', pciTopology: 'V2' }, guest: own });
    assert.deepEqual(said.hardwareGeneration, { kind: 'legacy', pciTopology: 'V2' });
    assert.deepEqual(said.guest, { ...guest, licenses: ['mine'] });
  });

  test('a disk of a snapshot begins with its volume; of the system nothing is known', async (t) => {
    const db = await openImageDatabase(t, open);
    const snapshot = await addSnapshot(db, { productIds: ['f2ea'], hardwareGeneration: { kind: 'generation2' } });
    const disk = await create(db, { source: { kind: 'snapshot', id: snapshot.id } });
    assert.deepEqual([disk.base, disk.os, disk.productIds], [heldVolume, undefined, ['f2ea']]);
    assert.deepEqual(disk.hardwareGeneration, { kind: 'generation2' });
    assert.deepEqual(await references(db), [snapshot.id, disk.id].toSorted());
  });

  test('refuses what cannot be a disk', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await addImage(db, { minDiskSizeBytes: 12 * gib });
    const creating = await addImage(db, { status: 'CREATING', volumeId: undefined });
    const abroad = await addImage(db, { folderId: await addFolder(db, 'b1gabroad', 'elsewhere') });
    const from = (id: string) => ({ kind: 'image', id }) as const;
    const invalid = 'INVALID_ARGUMENT';
    const unmet = 'FAILED_PRECONDITION';
    const cases: [Partial<CreateDisk>, object][] = [
      [
        { zoneId: 'ru-central1-c' },
        { code: invalid, message: /zone_id: there is no zone .*; there are ru-central1-a,/ },
      ],
      [{ typeId: 'tape' }, { code: invalid, message: /type_id: .*network-hdd, network-ssd/ }],
      [{ blockSizeBytes: 512 }, { code: invalid, message: /block_size: must be one of 4096, 8192/ }],
      [{ sizeBytes: 4 * gib + 512 }, { code: invalid, message: /size: must be a multiple of the block size, 4096/ }],
      [
        { sizeBytes: 4 * gib + 4096, blockSizeBytes: 8192 },
        { code: invalid, message: /block size, 8192/ },
      ],
      [{ source: from(image.id) }, { code: invalid, message: `Disk size should be greater or equal than ${12 * gib}` }],
      [{ folderId: 'x' }, { code: 'NOT_FOUND', message: 'Folder "x" not found' }],
      [{ source: from('x') }, { code: unmet, message: 'Image "x" not found' }],
      [{ source: { kind: 'snapshot', id: 'x' } }, { code: unmet, message: 'Snapshot "x" not found' }],
      [{ source: from(creating.id) }, { code: unmet, message: /is CREATING, not READY/ }],
      [{ source: from(abroad.id) }, { code: unmet, message: /is in another cloud/ }],
    ];
    for (const [request, error] of cases) await assert.rejects(create(db, request), error);
    assert.equal((await db.read.selectFrom('disks').select('id').execute()).length, 0);
  });

  test('a name is one disk’s in its folder, also when many ask at once; an image may have the same', async (t) => {
    const db = await openImageDatabase(t, open);
    await addImage(db, { name: 'same' });
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => create(db, { name: 'same' })));
    const refused = asked.filter((result) => result.status === 'rejected');
    assert.equal(refused.length, 5);
    for (const { reason } of refused) assert.equal(reason.message, 'Disk with name "same" already exists');
    await Promise.all([create(db), create(db)]);
  });

  test('with a mask, updates what it names, down to a field of the placement policy', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db, {
      name: 'old',
      labels: { a: '1' },
      placementPolicy: { groupId: 'g', partition: 2 },
    });
    const paths = ['labels', 'size'];
    const grown = await update(db, disk.id, { paths, labels: { b: '' }, sizeBytes: 20 * gib, name: 'ignored' });
    assert.deepEqual(grown, { ...disk, labels: { b: '' }, sizeBytes: 20 * gib });
    const placementPolicy = { groupId: 'other', partition: 7 };
    const placed = await update(db, disk.id, {
      paths: ['disk_placement_policy.placement_group_id'],
      placementPolicy,
    });
    assert.deepEqual(placed.placementPolicy, { groupId: 'other', partition: 2 });
    assert.deepEqual(
      (await update(db, disk.id, { paths: ['disk_placement_policy'], placementPolicy })).placementPolicy,
      placementPolicy,
    );
  });

  test('without a mask, sets every mutable field, but a size that is not given stays', async (t) => {
    const db = await openImageDatabase(t, open);
    const placementPolicy = { groupId: 'g', partition: 2 };
    const disk = await addDisk(db, { name: 'old', description: 'old', labels: { a: '1' }, placementPolicy });
    const wanted = { ...disk, name: '', description: '', labels: {}, placementPolicy: noPlacementPolicy };
    assert.deepEqual(await update(db, disk.id, {}), wanted);
  });

  test('refuses updates that cannot be: a disk never shrinks', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db);
    await addDisk(db, { name: 'taken' });
    const message = `Disk size should be greater or equal than ${volumeSizeBytes}`;
    const cases: [Partial<UpdateDisk>, object][] = [
      [
        { paths: ['size'], sizeBytes: 4 * gib },
        { code: 'INVALID_ARGUMENT', message },
      ],
      [{ sizeBytes: 20 * gib + 1 }, { code: 'INVALID_ARGUMENT', message: /multiple of the block size/ }],
      [{ paths: ['zone_id'] }, { code: 'INVALID_ARGUMENT', message: /"zone_id" cannot be updated/ }],
      [{ paths: ['name'], name: 'taken' }, { code: 'ALREADY_EXISTS' }],
    ];
    for (const [changes, error] of cases) await assert.rejects(update(db, disk.id, changes), error);
    await assert.rejects(update(db, 'x', {}), { code: 'NOT_FOUND', message: 'Disk "x" not found' });
    assert.deepEqual(await getDisk({ db }, { diskId: disk.id }), disk);
  });

  test('deletes at once what nobody uses, and its image keeps its content', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await addImage(db);
    const disk = await create(db, { name: 'mine', labels: { a: 'b' }, source: { kind: 'image', id: image.id } });
    await assert.rejects(remove(db, disk.id, { users: someone }), {
      code: 'FAILED_PRECONDITION',
      message: `Disk "${disk.id}" already attached to "vm-1"`,
    });
    const discarded: string[] = [];
    const contents = { ...untouchedContents, discard: async (id: string) => void discarded.push(id) };
    const operation = await remove(db, disk.id, { contents });
    assert.deepEqual([operation.kind, operation.done, operation.result], ['disk.delete', true, {}]);
    assert.deepEqual(discarded, [disk.id]);
    assert.deepEqual(await references(db), [image.id]);
    assert.deepEqual(await db.read.selectFrom('disk_labels').selectAll().execute(), []);
    await assert.rejects(remove(db, disk.id), { code: 'NOT_FOUND' });
    await create(db, { name: 'mine' });
  });

  test('a Delete sent again with its key answers with the same operation', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db);
    const again = { ...caller, idempotencyKey: 'key' };
    const deps = { db, users: noDiskUsers, contents: untouchedContents };
    const [first, second] = [
      await deleteDisk(deps, { diskId: disk.id }, again),
      await deleteDisk(deps, { diskId: disk.id }, again),
    ];
    assert.equal(first.id, second.id);
  });

  test('moves within a cloud, where its name must be free, and never out of it', async (t) => {
    const db = await openImageDatabase(t, open);
    const there = await addFolder(db, 'b1gthere');
    const abroad = await addFolder(db, 'b1gabroad', 'elsewhere');
    const disk = await addDisk(db, { name: 'mine', labels: { a: 'b' } });
    const move = (destinationFolderId: string) => moveDisk({ db }, { diskId: disk.id, destinationFolderId }, caller);
    await assert.rejects(move('x'), { code: 'NOT_FOUND', message: 'Folder "x" not found' });
    await assert.rejects(move(abroad), { code: 'FAILED_PRECONDITION', message: /is in another cloud/ });
    const taken = await addDisk(db, { name: 'mine', folderId: there });
    await assert.rejects(move(there), { code: 'ALREADY_EXISTS', message: 'Disk with name "mine" already exists' });
    await remove(db, taken.id);
    const operation = await move(there);
    assert.deepEqual(operation.input, { sourceFolderId: folderId, destinationFolderId: there });
    assert.deepEqual(await getDisk({ db }, { diskId: disk.id }), { ...disk, folderId: there });
    await addDisk(db, { name: 'mine' });
  });

  test('relocates what nobody uses to a zone that there is', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db, { placementPolicy: { groupId: 'g', partition: 1 } });
    const relocate = (destinationZoneId: string, users = noDiskUsers) => {
      const request = { diskId: disk.id, destinationZoneId, placementPolicy: noPlacementPolicy };
      return relocateDisk({ db, catalog, users }, request, caller);
    };
    await assert.rejects(relocate('moon-a'), { code: 'INVALID_ARGUMENT', message: /destination_zone_id/ });
    await assert.rejects(relocate('ru-central1-a'), { code: 'INVALID_ARGUMENT', message: /already/ });
    await assert.rejects(relocate('ru-central1-b', someone), { code: 'FAILED_PRECONDITION', message: /attached to/ });
    const operation = await relocate('ru-central1-b');
    const zones = { sourceZoneId: 'ru-central1-a', destinationZoneId: 'ru-central1-b' };
    assert.deepEqual(operation.input, zones);
    const moved = { ...disk, zoneId: 'ru-central1-b', placementPolicy: noPlacementPolicy };
    assert.deepEqual(await getDisk({ db }, { diskId: disk.id }), moved);
  });

  test('lists in pages, filtered by what disks have', async (t) => {
    const db = await openImageDatabase(t, open);
    for (const name of ['c', 'a', 'b']) {
      await addDisk(db, { name, zoneId: name === 'c' ? 'ru-central1-b' : 'ru-central1-a', labels: { of: name } });
    }
    const list = async (filter: string, more: { pageSize?: number; pageToken?: string } = {}) => {
      const request = { folderId, pageSize: 0, pageToken: '', orderBy: 'name desc', filter, ...more };
      const { disks, nextPageToken } = await listDisks({ db }, request);
      return { names: disks.map(({ name }) => name).join(''), nextPageToken };
    };
    const first = await list('', { pageSize: 2 });
    assert.equal(first.names, 'cb');
    assert.equal((await list('', { pageSize: 2, pageToken: first.nextPageToken })).names, 'a');
    assert.equal((await list('zone_id = ru-central1-a')).names, 'ba');
    assert.equal((await list('typeId != network-hdd')).names, '');
    assert.equal((await list('labels.of IN (a, c) AND status = READY')).names, 'ca');
    await assert.rejects(list('family = x'), { code: 'INVALID_ARGUMENT', message: /zone_id/ });
  });

  test('what was frozen for an operation that is not started is released', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db);
    let frozen = 0;
    const released: string[] = [];
    const contents = {
      ...untouchedContents,
      async freeze() {
        const id = `frozen-${++frozen}`;
        return frozenHere(id, async () => void released.push(id));
      },
    };
    const again = { ...caller, idempotencyKey: 'key' };
    const start = (key = again) =>
      startFromDisk({ db, contents }, { diskId: disk.id }, key, (tx) =>
        insertOperation(tx, {
          ...{ kind: 'test', folderId, resourceId: disk.id, description: '', createdBy: caller.subjectId },
          input: null,
        }),
      );
    const first = await start();
    assert.deepEqual(released, []);
    assert.equal((await start()).id, first.id, 'the same request again');
    assert.deepEqual(released, ['frozen-2']);
    const failing = startFromDisk({ db, contents }, { diskId: disk.id }, caller, () => Promise.reject(new Error('no')));
    await assert.rejects(failing, /no/);
    assert.deepEqual(released, ['frozen-2', 'frozen-3']);
  });
});
