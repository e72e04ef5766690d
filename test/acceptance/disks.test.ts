import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Door, DoorError, openGrpcDoor, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { failsWith, finish, typeUrl } from '../fixtures/finish-operation.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** The life of disks through both doors of one started service. */

const mib = 1024 * 1024;
const zone = 'ru-central1-a';
const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
});
after(() => opened.disposeAsync());

for (const [number, open] of [openGrpcDoor, openRestDoor].entries()) {
  describe(`disks through ${['gRPC', 'REST'][number]}`, () => {
    let door: Door;
    let imageId: string;
    let folderId: string;

    before(async () => {
      door = open(obraz);
      folderId = obraz.folderId;
      const uri = files.put(`disks-${number}.raw`, noise(6 * mib, number));
      const image = await finish(door, 'ImageService.Create', { folderId, uri });
      imageId = image.made.id;
    });
    after(() => door[Symbol.asyncDispose]());

    const createDisk = async (fields: object) =>
      (await finish(door, 'DiskService.Create', { folderId, zoneId: zone, size: String(16 * mib), ...fields })).made;

    test('a blank disk is READY in the first answer, with all that clients read unasked', async () => {
      const fields = { name: `blank-${number}`, description: 'the first', labels: { env: 'test', empty: '' } };
      const { body: started } = await door.call('DiskService.Create', {
        ...{ folderId, zoneId: zone, size: String(4 * mib), typeId: 'network-ssd', blockSize: 8192, ...fields },
      });
      assert.equal(started.done, true);
      assert.equal(started.description, 'Create disk');
      assert.equal(started.metadata['@type'], typeUrl('CreateDiskMetadata'));
      const { '@type': type, ...made } = started.response;
      assert.equal(type, typeUrl('Disk'));
      const { body: disk } = await door.call('DiskService.Get', { diskId: started.metadata.diskId });
      assert.deepEqual(made, disk);
      const { id, createdAt, ...rest } = disk;
      assert.match(id, /^fhm[a-z0-9]{17}$/);
      assert.ok(Date.parse(createdAt) <= Date.now());
      assert.deepEqual(rest, {
        ...fields,
        folderId,
        typeId: 'network-ssd',
        zoneId: zone,
        size: String(4 * mib),
        status: 'READY',
        blockSize: '8192',
        diskPlacementPolicy: {},
        hardwareGeneration: { legacyFeatures: { pciTopology: 'PCI_TOPOLOGY_V1' } },
      });
    });

    test('disks grow, and never shrink; the mask says what changes', async () => {
      const disk = await createDisk({ name: `grow-${number}` });
      const change = (fields: object) => finish(door, 'DiskService.Update', { diskId: disk.id, ...fields });
      const { started, made } = await change({ updateMask: 'size', size: String(32 * mib), name: 'ignored' });
      assert.equal(started.metadata['@type'], typeUrl('UpdateDiskMetadata'));
      assert.deepEqual([made.name, made.size], [`grow-${number}`, String(32 * mib)]);
      const smaller = change({ updateMask: 'size', size: String(16 * mib) });
      await assert.rejects(smaller, failsWith(3, /Disk size should be greater or equal than 33554432/));
      const policy = { placementGroupId: 'group', placementGroupPartition: '2' };
      // As Terraform names it.
      const updateMask = 'diskPlacementPolicy.placementGroupId';
      const placed = await change({ updateMask, diskPlacementPolicy: policy });
      assert.deepEqual(placed.made.diskPlacementPolicy, { placementGroupId: 'group' });
      const { made: cleared } = await change({});
      assert.deepEqual([cleared.name, cleared.size, cleared.diskPlacementPolicy], [undefined, String(32 * mib), {}]);
      await assert.rejects(change({ updateMask: 'zoneId' }), failsWith(3, /update_mask/));
    });

    test('disks are relocated between zones; what is not there says so', async () => {
      const disk = await createDisk({});
      const relocate = (destinationZoneId: string) =>
        finish(door, 'DiskService.Relocate', { diskId: disk.id, destinationZoneId });
      const { started, made } = await relocate('ru-central1-d');
      const { '@type': type, ...metadata } = started.metadata;
      assert.equal(type, typeUrl('RelocateDiskMetadata'));
      const zones = { sourceZoneId: zone, destinationZoneId: 'ru-central1-d' };
      assert.deepEqual(metadata, { diskId: disk.id, ...zones });
      assert.equal(made.zoneId, 'ru-central1-d');
      await assert.rejects(relocate('ru-central1-c'), failsWith(3, /destination_zone_id: there is no zone/));
      const moving = finish(door, 'DiskService.Move', { diskId: disk.id, destinationFolderId: 'b1gnone' });
      await assert.rejects(moving, failsWith(5, /^Folder "b1gnone" not found$/));
      const { started: moved } = await finish(door, 'DiskService.Move', {
        diskId: disk.id,
        destinationFolderId: folderId,
      });
      const { '@type': moveType, ...moveMetadata } = moved.metadata;
      assert.equal(moveType, typeUrl('MoveDiskMetadata'));
      const folders = { sourceFolderId: folderId, destinationFolderId: folderId };
      assert.deepEqual(moveMetadata, { diskId: disk.id, ...folders });
    });

    test('lists, and what was done to each, newest first', async () => {
      const labels = { listed: `yes-${number}` };
      const disk = await createDisk({ name: `list-${number}-a`, labels });
      await createDisk({ name: `list-${number}-b`, labels });
      const filter = `labels.listed = "yes-${number}"`;
      const query = { folderId, filter, orderBy: 'name desc', pageSize: 1 };
      const { body: first } = await door.call('DiskService.List', query);
      const { body: second } = await door.call('DiskService.List', { ...query, pageToken: first.nextPageToken });
      const names = [...first.disks, ...second.disks].map(({ name }: { name: string }) => name);
      assert.deepEqual(names, [`list-${number}-b`, `list-${number}-a`]);
      assert.equal(second.nextPageToken, undefined);

      const { body: ofTheDisk } = await door.call('DiskService.ListOperations', { diskId: disk.id });
      assert.equal(ofTheDisk.operations.length, 1);
      assert.equal(ofTheDisk.operations[0].done, true);
    });

    test('errors name what is wrong, in the words that clients know', async () => {
      const size = String(16 * mib);
      const create = (fields: object) => door.call('DiskService.Create', { folderId, zoneId: zone, size, ...fields });
      await assert.rejects(door.call('DiskService.Get', { diskId: 'x' }), failsWith(5, /^Disk "x" not found$/));
      await assert.rejects(create({ imageId: 'x' }), failsWith(9, /^Image "x" not found$/));
      await assert.rejects(create({ snapshotId: 'x' }), failsWith(9, /^Snapshot "x" not found$/));
      const tooSmall = create({ imageId, size: String(4 * mib) });
      await assert.rejects(tooSmall, failsWith(3, /^Disk size should be greater or equal than 6291456$/));
      const wrong: [object, string][] = [
        [{ name: 'Upper' }, 'name'],
        [{ size: '1' }, 'size'],
        [{ size: '28587302322177' }, 'size'],
        [{ size: String(16 * mib + 1) }, 'size'],
        [{ blockSize: '512' }, 'block_size'],
        [{ zoneId: '' }, 'zone_id'],
        [{ zoneId: 'nowhere-a' }, 'zone_id'],
        [{ typeId: 'tape' }, 'type_id'],
        [{ kmsKeyId: 'key' }, 'kms_key_id'],
        [{ snapshotScheduleIds: ['schedule'] }, 'snapshot_schedule_ids'],
      ];
      for (const [fields, field] of wrong) {
        await assert.rejects(create(fields), (error: unknown) => {
          assert.ok(error instanceof DoorError && error.code === 3, String(error));
          assert.deepEqual(error.fields, [field]);
          return true;
        });
      }
      const name = `taken-${number}`;
      const { body: first } = await create({ name });
      await assert.rejects(create({ name }), failsWith(6, new RegExp(`^Disk with name "${name}" already exists$`)));
      await finish(door, 'DiskService.Delete', { diskId: first.response.id });
      await create({ name });
    });

    test('a Create and a Delete are done once however often they are sent under one key', async () => {
      const headers = () => ({ headers: { 'idempotency-key': crypto.randomUUID() } });
      const fields = { folderId, zoneId: zone, size: String(16 * mib), name: `once-${number}` };
      const creation = headers();
      const replies = await Promise.all([1, 2, 3].map(() => door.call('DiskService.Create', fields, creation)));
      assert.equal(new Set(replies.map(({ body }) => body.id)).size, 1);
      const diskId = replies[0]?.body.response.id;
      const deletion = headers();
      const { body: first } = await door.call('DiskService.Delete', { diskId }, deletion);
      const { body: again } = await door.call('DiskService.Delete', { diskId }, deletion);
      assert.equal(again.id, first.id);
      assert.equal(first.metadata['@type'], typeUrl('DeleteDiskMetadata'));
      assert.equal(first.response['@type'], 'type.googleapis.com/google.protobuf.Empty');
    });

    test('zones and disk types are found', async () => {
      const { body: zones } = await door.call('ZoneService.List', { pageSize: 2 });
      const { body: rest } = await door.call('ZoneService.List', { pageSize: 2, pageToken: zones.nextPageToken });
      assert.deepEqual(
        [...zones.zones, ...rest.zones],
        ['a', 'b', 'd'].map((letter) => ({ id: `ru-central1-${letter}`, regionId: 'ru-central1', status: 'UP' })),
      );
      assert.equal((await door.call('ZoneService.Get', { zoneId: zone })).body.regionId, 'ru-central1');
      await assert.rejects(door.call('ZoneService.Get', { zoneId: 'x' }), failsWith(5, /^Zone "x" not found$/));
      const { body: types } = await door.call('DiskTypeService.List', { pageSize: 4 });
      const { nextPageToken: pageToken } = types;
      const { body: last } = await door.call('DiskTypeService.List', { pageSize: 4, pageToken });
      const ids = [...types.diskTypes, ...last.diskTypes].map(({ id }: { id: string }) => id);
      const ofGoogle = ['pd-standard', 'pd-balanced', 'pd-ssd'];
      assert.deepEqual(ids, [
        'network-hdd',
        'network-ssd',
        'network-ssd-nonreplicated',
        'network-ssd-io-m3',
        ...ofGoogle,
      ]);
      const { body: ssd } = await door.call('DiskTypeService.Get', { diskTypeId: 'network-ssd' });
      assert.deepEqual(ssd.zoneIds, ['ru-central1-a', 'ru-central1-b', 'ru-central1-d']);
    });
  });
}

test('the unprefixed names are the same services with their own types', async () => {
  await using door = openGrpcDoor(obraz, { unprefixed: true });
  const fields = { folderId: obraz.folderId, zoneId: zone, size: String(16 * mib) };
  const { body } = await door.call('DiskService.Create', fields);
  assert.equal(body.metadataType, 'type.googleapis.com/compute.v1.CreateDiskMetadata');
  assert.equal(body.responseType, 'type.googleapis.com/compute.v1.Disk');
});
