import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openAttached } from '../fixtures/attached-disk.ts';
import { type Door, DoorError, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** Disks, images and snapshots as block devices, through a started service. */

const mib = 1024 * 1024;
const diskBytes = 64 * mib;

for (const open of [openGrpcDoor, openRestDoor]) {
  describe(`attachments through ${open === openRestDoor ? 'REST' : 'gRPC'}`, () => {
    const opened = new AsyncDisposableStack();
    let obraz: Obraz;
    let door: Door;
    before(async () => {
      obraz = opened.use(await startObraz());
      door = opened.use(open(obraz));
    });
    after(() => opened.disposeAsync());

    const attach = async (resource: object) => (await door.call('AttachmentService.Create', { ...resource })).body;
    const detach = (attachmentId: string) => door.call('AttachmentService.Delete', { attachmentId });
    const refused = (code: number, message: RegExp) => (error: unknown) =>
      error instanceof DoorError && error.code === code && message.test(error.message);

    test('what is written to a disk is there when it is attached again', async () => {
      const diskId = await createDisk(door, obraz);
      const bytes = noise(3 * mib, 1);
      const first = await attach({ diskId });
      assert.equal(first.mode, 'READ_WRITE');
      {
        await using disk = await openAttached(first.uri);
        assert.deepEqual(await disk.read(diskBytes - mib, mib), Buffer.alloc(mib), 'a blank disk is zeros');
        await disk.write(5_000, bytes);
        await disk.flush();
      }
      await detach(first.id);
      await assert.rejects(openAttached(first.uri), /refused/);

      const { uri, mode } = await attach({ diskId, mode: 'READ_ONLY' });
      assert.equal(mode, 'READ_ONLY');
      await using disk = await openAttached(uri);
      assert.ok((await disk.read(5_000, bytes.length)).equals(bytes));
      await assert.rejects(disk.write(0, Buffer.alloc(512)), /NBD error 1$/);
    });

    test('a disk has one writer, and is not deleted under it', async () => {
      const diskId = await createDisk(door, obraz);
      const { id } = await attach({ diskId });
      const inUse = refused(9, new RegExp(`Disk "${diskId}" already attached to "${id}"`));
      await assert.rejects(attach({ diskId }), inUse);
      await assert.rejects(door.call('DiskService.Delete', { diskId }), inUse);
      const reader = await attach({ diskId, mode: 'READ_ONLY' });
      await Promise.all([detach(id), detach(reader.id)]);
      await assert.rejects(detach(id), refused(5, new RegExp(`Attachment "${id}" not found`)));
      const { body: deleted } = await door.call('DiskService.Delete', { diskId });
      assert.equal(deleted.done, true);
    });

    test('detaching ends the connections that there are', async () => {
      const { id, uri } = await attach({ diskId: await createDisk(door, obraz) });
      await using disk = await openAttached(uri);
      await disk.write(0, noise(mib, 2));
      await detach(id);
      await disk.gone;
    });

    test('a ticket that is not used in time is worth nothing, and one that was used lasts', async () => {
      const diskId = await createDisk(door, obraz);
      const late = await attach({ diskId, ttl: '1s' });
      const used = await attach({ diskId, mode: 'READ_ONLY', ttl: '1s' });
      await using _first = await openAttached(used.uri);
      await wait(1_100);
      await assert.rejects(openAttached(late.uri), /refused/);
      await using _second = await openAttached(used.uri);
      const { body } = await door.call('AttachmentService.List', { folderId: obraz.folderId, pageSize: '1000' });
      const ids = body.attachments.map(({ id }: { id: string }) => id);
      assert.deepEqual([ids.includes(late.id), ids.includes(used.id)], [false, true]);
      assert.ok(body.attachments.every(({ uri }: { uri?: string }) => uri === undefined));
      assert.equal((await attach({ diskId })).mode, 'READ_WRITE', 'who was late has the disk no more');
    });

    test('a snapshot and an image of a disk in use are what it was when they were asked for', async () => {
      const { folderId } = obraz;
      const diskId = await createDisk(door, obraz);
      const { id, uri } = await attach({ diskId });
      await using disk = await openAttached(uri);
      const [before, since] = [noise(2 * mib, 3), noise(2 * mib, 4)];
      await disk.write(mib, before);
      const { body: making } = await door.call('SnapshotService.Create', { folderId, diskId });
      await disk.write(mib, since);
      const { body: making2 } = await door.call('ImageService.Create', { folderId, diskId });
      await disk.write(mib, Buffer.alloc(2 * mib));
      const snapshot = await untilDone(door, making.id);
      const image = await untilDone(door, making2.id);
      assert.equal(snapshot.response.status, 'READY');
      assert.equal(image.response.status, 'READY');

      for (const [resource, expected] of [
        [{ snapshotId: snapshot.response.id }, before],
        [{ imageId: image.response.id }, since],
        [{ diskId, mode: 'READ_ONLY' }, Buffer.alloc(2 * mib)],
      ] as const) {
        const attached = await attach(resource);
        await using device = await openAttached(attached.uri);
        assert.ok((await device.read(mib, 2 * mib)).equals(expected), JSON.stringify(resource));
      }
      await detach(id);
      const cloneId = await createDisk(door, obraz, { snapshotId: snapshot.response.id });
      await using clone = await openAttached((await attach({ diskId: cloneId })).uri);
      assert.ok((await clone.read(mib, 2 * mib)).equals(before));
    });

    test('an image that is deleted stays readable where it is attached', async () => {
      await using files = await startFileServer();
      const { guest, qcow2 } = smallDisk(90);
      const uri = files.put('attached.qcow2', qcow2);
      const { body: begun } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
      const { response } = await untilDone(door, begun.id);
      const { uri: deviceUri } = await attach({ imageId: response.id });
      await door.call('ImageService.Delete', { imageId: response.id });
      await using device = await openAttached(deviceUri);
      assert.ok((await device.read(0, guest.length)).equals(guest));
      await assert.rejects(attach({ imageId: response.id }), refused(5, /Image .* not found/));
      await assert.rejects(
        attach({ diskId: await createDisk(door, obraz), ttl: '0.5s' }),
        refused(3, /ttl: is from a second to a week/),
      );
    });
  });
}

test('what was flushed is there after a kill -9, and so is the ticket', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = directory.path;
  const bytes = noise(4 * mib, 5);
  let ticket: string;
  {
    await using obraz = await startObraz({ dataDirectory });
    await using door = openGrpcDoor(obraz);
    const diskId = await createDisk(door, obraz);
    const { body } = await door.call('AttachmentService.Create', { diskId });
    await using disk = await openAttached(body.uri);
    ticket = new URL(body.uri).pathname;
    await disk.write(mib, bytes);
    await disk.flush();
    await obraz.end('SIGKILL');
  }
  await using obraz = await startObraz({ dataDirectory });
  await using door = openGrpcDoor(obraz);
  // The port is another one; the ticket is good for whatever port there is.
  const diskId = await createDisk(door, obraz);
  const { body } = await door.call('AttachmentService.Create', { diskId });
  await using disk = await openAttached(Object.assign(new URL(body.uri), { pathname: ticket }).href);
  assert.ok((await disk.read(mib, bytes.length)).equals(bytes));
});

async function createDisk(door: Door, { folderId }: Obraz, source: object = {}): Promise<string> {
  const request = { folderId, zoneId: 'ru-central1-a', size: String(diskBytes), ...source };
  const { body } = await door.call('DiskService.Create', request);
  return body.metadata.diskId;
}
