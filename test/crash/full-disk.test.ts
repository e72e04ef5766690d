import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { DoorError, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { onlyLocal } from '../fixtures/run-servers.ts';
import { openCrashClient } from './client.ts';
import { findLeftovers } from './data-rows.ts';
import { sha256Of } from './disk-files.ts';
import { mountSmallDisk, smallDiskMissing } from './small-disk.ts';
import { dropPrepared, startWithFaults } from './start.ts';

const mib = 1024 * 1024;
const collector = { everyMs: 250, soonMs: 50 };

describe('on a disk that is full', {
  skip: onlyLocal('neither packs nor metadata are on the disk of the service') || smallDiskMissing,
}, () => {
  test('an import fails with RESOURCE_EXHAUSTED, its space comes back, and the rest goes on', async () => {
    await using disk = await mountSmallDisk(48 * mib);
    await using files = await startFileServer();
    const dataDirectory = join(disk.path, 'data');
    await using obraz = await startWithFaults({ dataDirectory, collector });
    await using door = openRestDoor(obraz);
    await using client = openCrashClient(obraz);
    const { folderId } = obraz;
    const create = async (name: string, bytes: Uint8Array) => {
      const { body } = await door.call('ImageService.Create', { folderId, name, uri: files.put(name, bytes) });
      return untilDone(door, body.id);
    };
    const first = noise(4 * mib, 1);
    const kept = await create('first', first);
    assert.equal(kept.error, undefined);
    const before = await disk.freeBytes();

    const failed = await create('too-big', noise(80 * mib, 2));
    assert.equal(failed.error?.code, 8, JSON.stringify(failed.error));
    assert.match(failed.error.message, /no storage space left/);
    await until('the space is back', async () => (await disk.freeBytes()) > before - mib);
    // A blob goes before its row does.
    await until('nothing is left', async () => (await findLeftovers([dataDirectory])).length === 0);

    assert.equal(await client.contentSha256(kept.response.id), sha256Of(first));
    const again = await create('too-big', noise(4 * mib, 3));
    assert.equal(again.error, undefined, 'its name is free again');
    assert.equal(await client.contentSha256(again.response.id), sha256Of(noise(4 * mib, 3)));
  });

  test('the metadata has no room: calls say so, reads go on, and with room so does the rest', async () => {
    await using disk = await mountSmallDisk(48 * mib);
    await using files = await startFileServer();
    const dataDirectory = join(disk.path, 'data');
    await using obraz = await startWithFaults({ dataDirectory, collector });
    await using door = openRestDoor(obraz);
    await using client = openCrashClient(obraz);
    const { folderId } = obraz;
    const bytes = noise(2 * mib, 1);
    const uri = files.put('disk', bytes);
    const started = await door.call('ImageService.Create', { folderId, name: 'kept', uri });
    const kept = (await untilDone(door, started.body.id)).response;

    // The largest import of these is under way when the room ends.
    files.limit(8 * mib);
    const running = await door.call('ImageService.Create', {
      folderId,
      name: 'running',
      uri: files.put('r', noise(12 * mib, 2)),
    });
    disk.fill();
    const refused = await untilRefused(async (name) => {
      await door.call('ImageService.Create', { folderId, name, uri, labels: { filler: 'x'.repeat(60) } });
    });
    assert.equal(refused.code, 8, refused.message);
    assert.equal(await client.contentSha256(kept.id), sha256Of(bytes), 'what is there can be read');
    const { body } = await door.call('ImageService.Get', { imageId: kept.id });
    assert.equal(body.status, 'READY');

    await wait(500);
    files.limit(Number.POSITIVE_INFINITY);
    await disk.empty();
    const ended = await untilDone(door, running.body.id);
    assert.ok(ended.error === undefined || ended.error.code === 8, JSON.stringify(ended.error));
    const later = await door.call('ImageService.Create', { folderId, name: 'later', uri });
    const image = (await untilDone(door, later.body.id)).response;
    assert.equal(await client.contentSha256(image.id), sha256Of(bytes));
    assert.equal(await obraz.end('SIGTERM'), 0);
  });

  test('a start without any room says why it fails, and with room all is as before', async () => {
    await using disk = await mountSmallDisk(32 * mib);
    await using files = await startFileServer();
    const dataDirectory = join(disk.path, 'data');
    const bytes = noise(2 * mib, 1);
    let imageId = '';
    {
      await using obraz = await startWithFaults({ dataDirectory, collector });
      await using door = openRestDoor(obraz);
      const { folderId } = obraz;
      const { body } = await door.call('ImageService.Create', { folderId, name: 'a', uri: files.put('a', bytes) });
      imageId = (await untilDone(door, body.id)).response.id;
      await obraz.end('SIGKILL');
    }
    disk.fill();
    await assert.rejects(startWithFaults({ dataDirectory, collector }), /ENOSPC|full|no space/);
    await disk.empty();
    await using obraz = await startWithFaults({ dataDirectory, collector });
    await using client = openCrashClient(obraz);
    assert.equal(await client.contentSha256(imageId), sha256Of(bytes));
    dropPrepared();
  });
});

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  for (const endAt = performance.now() + 20_000; !(await check()); await wait(50)) {
    assert.ok(performance.now() < endAt, `not in time: ${what}`);
  }
}

/** Repeats a request until it is refused: the metadata's file may have some room left. */
async function untilRefused(ask: (name: string) => Promise<void>): Promise<DoorError> {
  for (let count = 0; count < 2_000; count += 1) {
    try {
      await ask(`filler-${count}`);
    } catch (error) {
      if (error instanceof DoorError) return error;
      throw error;
    }
  }
  throw new Error('nothing was refused');
}
