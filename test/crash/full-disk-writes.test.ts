import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AttachedDisk, openAttached } from '../fixtures/attached-disk.ts';
import { openRestDoor, untilDone } from '../fixtures/doors.ts';
import { noise } from '../fixtures/guest.ts';
import { mountSmallDisk, smallDiskMissing } from './small-disk.ts';
import { dropPrepared, startWithFaults } from './start.ts';

const mib = 1024 * 1024;
const diskBytes = 64 * mib;
const collector = { everyMs: 250, soonMs: 50 };
/** ENOSPC in the NBD protocol's own numbers. */
const noSpace = /NBD error 28$/;

test('a guest writes without room: it is told ENOSPC, loses nothing, and goes on with room', {
  skip: smallDiskMissing,
}, async () => {
  await using disk = await mountSmallDisk(48 * mib);
  const dataDirectory = join(disk.path, 'data');
  const written: Buffer[] = [];
  let ticket: string;
  {
    await using obraz = await startWithFaults({ dataDirectory, collector });
    await using door = openRestDoor(obraz);
    const { folderId } = obraz;
    const request = { folderId, zoneId: 'ru-central1-a', size: String(diskBytes) };
    const { diskId } = (await door.call('DiskService.Create', request)).body.metadata;
    const { uri } = (await door.call('AttachmentService.Create', { diskId })).body;
    ticket = new URL(uri).pathname;
    await using guest = await openAttached(uri);
    await write(guest, written, 4);
    await guest.flush();

    disk.fill();
    await assert.rejects(write(guest, written, 60), noSpace);
    await mustHave(guest, written);
    await guest.flush();
    assert.equal((await door.call('DiskService.Get', { diskId })).body.status, 'READY', 'the service lives');
    await assert.rejects(write(guest, written, 1), noSpace, 'and again');
    await mustHave(guest, written);

    await disk.empty();
    await write(guest, written, 3);
    await guest.flush();
    await mustHave(guest, written);
    const { body: begun } = await door.call('SnapshotService.Create', { folderId, diskId });
    const { response: snapshot, error } = await untilDone(door, begun.id);
    assert.equal(error, undefined);
    const attached = await door.call('AttachmentService.Create', { snapshotId: snapshot.id });
    await using copy = await openAttached(attached.body.uri);
    await mustHave(copy, written);
    await obraz.end('SIGKILL');
  }
  await using obraz = await startWithFaults({ dataDirectory, collector });
  await using door = openRestDoor(obraz);
  const { attachments } = (await door.call('AttachmentService.List', { folderId: obraz.folderId })).body;
  const snapshotId = attachments.find((one: { snapshotId?: string }) => one.snapshotId !== undefined).snapshotId;
  const { uri } = (await door.call('AttachmentService.Create', { snapshotId })).body;
  await using guest = await openAttached(Object.assign(new URL(uri), { pathname: ticket }).href);
  await mustHave(guest, written);
  dropPrepared();
});

/** Writes more pieces of a MiB, one behind the other; knows of those that were acknowledged. */
async function write(guest: AttachedDisk, written: Buffer[], count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const bytes = noise(mib, written.length + 1);
    await guest.write(written.length * mib, bytes);
    written.push(bytes);
  }
}

async function mustHave(guest: AttachedDisk, written: readonly Buffer[]): Promise<void> {
  for (const [index, bytes] of written.entries()) {
    assert.ok((await guest.read(index * mib, mib)).equals(bytes), `MiB ${index} of ${written.length}`);
  }
}
