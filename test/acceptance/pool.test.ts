import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openAttached } from '../fixtures/attached-disk.ts';
import { runCommand } from '../fixtures/command.ts';
import { type Door, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** Pooled images, through a started service. */

const limits = { timeout: 60_000 };

test('a pooled image is ready before its first disk, and its disks read it from its file', limits, async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = directory.path;
  const { guest, qcow2 } = smallDisk(7);
  await using files = await startFileServer();
  let volumeId: string;
  {
    await using obraz = await startObraz({ dataDirectory });
    await using door = openGrpcDoor(obraz);
    const imageId = await importPooled(door, obraz, files.put('pooled.qcow2', qcow2), 'base');
    const entry = await untilReady(door);
    volumeId = entry.volumeId;
    assert.deepEqual(entry.images, [{ id: imageId, name: 'base', folderId: obraz.folderId }]);
    assert.equal(entry.size, String(guest.length));
    const diskId = await createDisk(door, obraz, imageId);
    await using disk = await attach(door, { diskId });
    assert.ok((await disk.read(0, guest.length)).equals(guest));
    await disk.write(8192, Buffer.alloc(4096, 1));
    await using image = await attach(door, { imageId });
    assert.ok((await image.read(0, guest.length)).equals(guest));

    await using rest = openRestDoor(obraz);
    const [used] = (await rest.call('PoolService.List', {})).body.volumes;
    assert.equal(used.misses ?? '0', '0');
    assert.ok(Number(used.hits) >= 2);
    assert.ok(used.lastUsedAt !== undefined);
    const { code, stdout } = await runCommand(['pool', 'list', '--data', dataDirectory]);
    assert.equal(code, 0);
    assert.match(stdout, /^VOLUME +IMAGE +STATE +SIZE +ON DISK +HITS +MISSES +LAST USED/);
    assert.match(stdout, /base +READY +1 MB +\d+ KB +\d+ +0 +20/, stdout);
    await obraz.end('SIGKILL');
  }
  await using obraz = await startObraz({ dataDirectory });
  await using door = openGrpcDoor(obraz);
  const entry = await untilReady(door);
  assert.equal(entry.volumeId, volumeId);
  assert.doesNotMatch(obraz.log(), /is in the pool/, 'the file is good for the next process');
  const { body: images } = await door.call('ImageService.List', { folderId: obraz.folderId });
  const imageId = images.images[0].id;
  const image = await attach(door, { imageId });
  await door.call('ImageService.Delete', { imageId });
  assert.ok((await image.read(0, guest.length)).equals(guest));
  assert.deepEqual(await readdir(join(dataDirectory, 'pool')), [`${volumeId}.raw`], 'as long as it is read');
  await image[Symbol.asyncDispose]();
  while ((await readdir(join(dataDirectory, 'pool'))).length > 0) await wait(20);
  assert.equal((await door.call('PoolService.List', {})).body.volumes?.length ?? 0, 0);
});

test('a pool without room keeps nothing, and images are read all the same', limits, async () => {
  await using obraz = await startObraz({ flags: ['--pool-size', '0'] });
  await using door = openRestDoor(obraz);
  await using files = await startFileServer();
  const { guest, qcow2 } = smallDisk(8);
  const imageId = await importPooled(door, obraz, files.put('none.qcow2', qcow2), 'none');
  let state: string | undefined;
  while (state !== 'EVICTED') {
    await wait(20);
    state = (await door.call('PoolService.List', {})).body.volumes?.[0]?.state;
  }
  await using image = await attach(door, { imageId });
  assert.ok((await image.read(0, guest.length)).equals(guest));
  const [entry] = (await door.call('PoolService.List', {})).body.volumes;
  assert.equal(entry.misses, '1');
});

async function importPooled(door: Door, { folderId }: Obraz, uri: string, name: string): Promise<string> {
  const { body } = await door.call('ImageService.Create', { folderId, name, uri, pooled: true });
  const { response } = await untilDone(door, body.id);
  assert.equal(response.pooled, true);
  return response.id;
}

async function untilReady(door: Door) {
  for (;;) {
    const { body } = await door.call('PoolService.List', {});
    const [entry] = body.volumes ?? [];
    if (entry?.state === 'READY') return entry;
    await wait(20);
  }
}

async function createDisk(door: Door, { folderId }: Obraz, imageId: string): Promise<string> {
  const request = { folderId, zoneId: 'ru-central1-a', size: String(4 * 1024 * 1024), imageId };
  return (await door.call('DiskService.Create', request)).body.metadata.diskId;
}

async function attach(door: Door, resource: object) {
  const { body } = await door.call('AttachmentService.Create', { ...resource });
  return openAttached(body.uri);
}
