import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Agent, request } from 'undici';
import { type Door, openGrpcDoor, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { failsWith, finish, typeUrl } from '../fixtures/finish-operation.ts';
import { twoEndedGuest } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** What becomes of what disks hold: snapshots, images, and disks of both, through both doors of a started service. */

const mib = 1024 * 1024;
const zoneId = 'ru-central1-a';
const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let agent: Agent;

before(async () => {
  files = opened.use(await startFileServer());
  // What is deleted is collected at once: nothing may be missing of what was made of it.
  obraz = opened.use(await startObraz({ flags: ['--keep-deleted', '0'] }));
  agent = new Agent({ connect: { ca: obraz.ca } });
  opened.defer(() => agent.close());
});
after(() => opened.disposeAsync());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function contentOf(imageId: string): Promise<Buffer> {
  const url = `https://${obraz.endpoint}/obraz/v1/images/${imageId}/content`;
  const headers = { authorization: `Bearer ${obraz.token}` };
  const { statusCode, body } = await request(url, { dispatcher: agent, headers });
  assert.equal(statusCode, 200);
  return Buffer.from(await body.arrayBuffer());
}

for (const [number, open] of [openGrpcDoor, openRestDoor].entries()) {
  describe(`snapshots through ${['gRPC', 'REST'][number]}`, () => {
    const guest = twoEndedGuest(60 + number);
    let door: Door;
    let imageId: string;
    let folderId: string;

    before(async () => {
      door = open(obraz);
      folderId = obraz.folderId;
      const uri = files.put(`snapshots-${number}.raw`, guest);
      const os = { type: 'WINDOWS' };
      const productIds = ['f2e0000000000000test'];
      const image = await finish(door, 'ImageService.Create', { folderId, uri, os, productIds });
      imageId = image.made.id;
    });
    after(() => door[Symbol.asyncDispose]());

    const createDisk = async (fields: object) =>
      (await finish(door, 'DiskService.Create', { folderId, zoneId, size: String(16 * mib), ...fields })).made;

    test('a disk of an image becomes a snapshot, disks and images, and all outlive what they come from', async () => {
      const size = String(guest.length);
      const disk = await createDisk({ imageId, size, hardwareGeneration: { generation2Features: {} } });
      assert.equal(disk.sourceImageId, imageId);
      assert.deepEqual(disk.productIds, ['f2e0000000000000test']);
      const { started, made: snapshot } = await finish(door, 'SnapshotService.Create', { folderId, diskId: disk.id });
      assert.equal(started.done, true, 'nothing was to be stored');
      assert.equal(started.metadata['@type'], typeUrl('CreateSnapshotMetadata'));
      assert.deepEqual([started.metadata.snapshotId, started.metadata.diskId], [snapshot.id, disk.id]);
      assert.deepEqual([snapshot.status, snapshot.diskSize, snapshot.sourceDiskId], ['READY', size, disk.id]);
      assert.ok(Number(snapshot.storageSize) > 200_000);
      assert.deepEqual(snapshot.hardwareGeneration, { generation2Features: {} });
      const { made: ofDisk } = await finish(door, 'ImageService.Create', { folderId, diskId: disk.id });
      assert.equal(ofDisk.os.type, 'WINDOWS', 'the image said so of the disk');
      const second = await createDisk({ snapshotId: snapshot.id, size });
      assert.equal(second.sourceSnapshotId, snapshot.id);

      await finish(door, 'DiskService.Delete', { diskId: disk.id });
      const { made: ofSnapshot } = await finish(door, 'ImageService.Create', { folderId, snapshotId: snapshot.id });
      await finish(door, 'SnapshotService.Delete', { snapshotId: snapshot.id });
      await finish(door, 'ImageService.Delete', { imageId: ofDisk.id });
      const { made: last } = await finish(door, 'ImageService.Create', { folderId, diskId: second.id });
      await finish(door, 'DiskService.Delete', { diskId: second.id });
      for (const image of [ofSnapshot, last]) {
        assert.deepEqual(image.hardwareGeneration, { generation2Features: {} });
        assert.deepEqual(image.productIds, ['f2e0000000000000test']);
        assert.equal(sha256(await contentOf(image.id)), sha256(guest));
      }
      assert.equal(last.obraz.guestDigest, ofSnapshot.obraz.guestDigest);
    });

    test('what is larger than its source, or blank, is stored first: zeros behind, and nothing else', async () => {
      const grown = await createDisk({ imageId, size: String(24 * mib) });
      const { started, made } = await finish(door, 'SnapshotService.Create', { folderId, diskId: grown.id });
      assert.equal(started.done ?? false, false);
      assert.deepEqual([made.status, made.diskSize], ['READY', String(24 * mib)]);
      const { made: image } = await finish(door, 'ImageService.Create', { folderId, snapshotId: made.id });
      const wanted = Buffer.alloc(24 * mib);
      wanted.set(guest);
      assert.equal(sha256(await contentOf(image.id)), sha256(wanted));
      const { made: ofDisk } = await finish(door, 'ImageService.Create', { folderId, diskId: grown.id });
      assert.equal(ofDisk.obraz.guestDigest, image.obraz.guestDigest);
      assert.equal(ofDisk.minDiskSize, String(24 * mib));

      const blank = await createDisk({ size: String(5 * mib) });
      const { made: empty } = await finish(door, 'ImageService.Create', { folderId, diskId: blank.id });
      assert.deepEqual(await contentOf(empty.id), Buffer.alloc(5 * mib));
    });

    test('snapshots are named, labelled, listed by their disk, changed and deleted', async () => {
      const labels = { listed: `yes-${number}` };
      const disk = await createDisk({ imageId, size: String(guest.length) });
      const { made: snapshot } = await finish(door, 'SnapshotService.Create', { folderId, diskId: disk.id, labels });
      const ofDisk = { folderId, filter: `source_disk_id = ${disk.id}` };
      const { body: found } = await door.call('SnapshotService.List', ofDisk);
      assert.deepEqual(
        found.snapshots.map(({ id }: { id: string }) => id),
        [snapshot.id],
      );
      const change = { snapshotId: snapshot.id, updateMask: 'name', name: `snapshot-${number}` };
      const { started, made } = await finish(door, 'SnapshotService.Update', change);
      assert.equal(started.metadata['@type'], typeUrl('UpdateSnapshotMetadata'));
      assert.deepEqual([made.name, made.labels], [`snapshot-${number}`, labels]);
      const { body: history } = await door.call('SnapshotService.ListOperations', { snapshotId: snapshot.id });
      const done = history.operations.map(({ description }: { description: string }) => description);
      assert.deepEqual(done, ['Update snapshot', 'Create snapshot']);
      const taken = { folderId, diskId: disk.id, name: `snapshot-${number}` };
      await assert.rejects(door.call('SnapshotService.Create', taken), failsWith(6, /^Snapshot with name .* exists$/));
      const { started: deleted } = await finish(door, 'SnapshotService.Delete', { snapshotId: snapshot.id });
      assert.equal(deleted.metadata['@type'], typeUrl('DeleteSnapshotMetadata'));
      const unknown = new RegExp(`^Snapshot "${snapshot.id}" not found$`);
      await assert.rejects(door.call('SnapshotService.Get', { snapshotId: snapshot.id }), failsWith(5, unknown));
      const ofNothing = door.call('SnapshotService.Create', { folderId, diskId: 'x' });
      await assert.rejects(ofNothing, failsWith(9, /^Disk "x" not found$/));
    });
  });
}

test('the store finds nothing wrong with all of that', async () => {
  await using door = openGrpcDoor(obraz);
  const { made } = await finish(door, 'StoreService.Check', { readData: true });
  assert.equal(made.errorCount ?? '0', '0', JSON.stringify(made));
  assert.equal(made.warningCount ?? '0', '0', JSON.stringify(made));
});
