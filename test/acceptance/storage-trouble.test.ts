import assert from 'node:assert/strict';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { runCommand } from '../fixtures/command.ts';
import { type Door, DoorError, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { onlyLocal } from '../fixtures/run-servers.ts';
import { mountSmallDisk, noSmallDisks, type SmallDisk } from '../fixtures/small-disk.ts';

/** The disk under the data directory is full, or may not be written: the reason is clear and nothing else is lost. */

const mib = 1024 * 1024;
const options = noSmallDisks === undefined ? {} : { skip: noSmallDisks };

let files: FileServer;
before(async () => {
  files = await startFileServer();
});
after(() => files[Symbol.asyncDispose]());

async function importFrom(obraz: Obraz, door: Door, uri: string) {
  const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
  return untilDone(door, body.id);
}

describe('a full disk', {
  skip: onlyLocal('neither packs nor metadata are on the disk of the service') || options.skip || false,
}, () => {
  let disk: SmallDisk;
  before(async () => {
    disk = await mountSmallDisk(96 * mib);
  });
  after(() => disk[Symbol.asyncDispose]());

  test('an import that does not fit fails and gives the space back; the service goes on', async () => {
    await using obraz = await startObraz({ dataDirectory: disk.path });
    await using door = openGrpcDoor(obraz);
    await using http = openHttp(obraz);
    const small = smallDisk(41);
    const kept = (await importFrom(obraz, door, files.put('kept.qcow2', small.qcow2))).response;
    const freeBefore = await disk.freeBytes();

    // Asked all the time, whatever else happens.
    const asking = new AbortController();
    const answers = (async () => {
      for (let count = 1; ; count++) {
        assert.equal((await http.ask('/health')).status, 200);
        if (asking.signal.aborted) return count;
        await wait(20);
      }
    })();
    const begun = performance.now();
    const { error } = await importFrom(obraz, door, files.put('huge.raw', noise(160 * mib, 42)));
    assert.equal(error?.code, 8, JSON.stringify(error));
    assert.match(error.message, /no storage space left/);
    asking.abort();
    assert.ok((await answers) > (performance.now() - begun) / 1000, 'health answered throughout');

    const deadline = performance.now() + 10_000;
    while ((await disk.freeBytes()) < freeBefore - 8 * mib) {
      assert.ok(performance.now() < deadline, `only ${await disk.freeBytes()} bytes are free again`);
      await wait(50);
    }
    const again = await importFrom(obraz, door, files.put('again.raw', noise(4 * mib, 43)));
    assert.equal(again.response?.status, 'READY', JSON.stringify(again));
    assert.ok((await http.content(kept.id)).bytes.equals(small.guest), 'what was there is as it was');
    for (const { id } of [kept, again.response]) await door.call('ImageService.Delete', { imageId: id });
  });

  test('while not even a row can be written, changes are refused and reads go on', async () => {
    await using obraz = await startObraz({ dataDirectory: disk.path });
    const small = smallDisk(44);
    await using door = openGrpcDoor(obraz);
    await using http = openHttp(obraz);
    const uri = files.put('before.qcow2', small.qcow2);
    const { response: image } = await importFrom(obraz, door, uri);
    const { body: slow } = await startSlowImport(obraz, door);
    const ballast = join(disk.path, 'ballast');
    await fill(ballast);

    for (const [index, open] of [openGrpcDoor, openRestDoor].entries()) {
      await using refusing = open(obraz);
      // Until the last free page of the database's own files is used; a checkpoint in between makes the log's free again.
      for (let count = 0; ; count++) {
        const name = `refused-${index}-${count}`;
        const description = 'x'.repeat(256);
        const create = { folderId: obraz.folderId, name, description, imageId: image.id };
        const error = await refusing.call('ImageService.Create', create).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error === undefined && count < 2_000) continue;
        assert.ok(error instanceof DoorError, String(error));
        assert.equal(error.code, 8, error.message);
        assert.match(error.message, /no storage space left/);
        break;
      }
      assert.equal((await refusing.call('ImageService.Get', { imageId: image.id })).body.status, 'READY');
    }
    assert.ok((await http.content(image.id)).bytes.equals(small.guest));
    assert.equal((await http.ask('/health')).status, 200);

    await rm(ballast);
    files.limit(Number.POSITIVE_INFINITY);
    const ended = await untilDone(door, slow.id);
    assert.ok(ended.response?.status === 'READY' || ended.error?.code === 8, JSON.stringify(ended));
    assert.equal((await importFrom(obraz, door, uri)).response?.status, 'READY');
  });

  async function startSlowImport(obraz: Obraz, door: Door) {
    const uri = files.put('slow.raw', noise(24 * mib, 45));
    files.limit(4 * mib);
    const started = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
    for (;;) {
      const { body } = await door.call('OperationService.Get', { operationId: started.body.id });
      if (Number(body.metadata.progress?.bytesRead ?? 0) > 0) return started;
    }
  }
});

describe('a data directory that cannot be used', () => {
  async function assertRefused(dataDirectory: string, message: RegExp): Promise<void> {
    const ended = await runCommand(['serve', '--data', dataDirectory, '--listen', '127.0.0.1:0']);
    assert.equal(ended.code, 4, ended.stderr);
    assert.equal(ended.stdout, '');
    assert.match(ended.stderr, message);
    assert.doesNotMatch(ended.stderr, /^ +at /m);
  }

  test('is refused when it is read-only, new or used before', options, async () => {
    await using disk = await mountSmallDisk(32 * mib);
    {
      await using obraz = await startObraz({ dataDirectory: join(disk.path, 'used') });
      assert.equal(await obraz.end(), 0);
    }
    disk.remount('ro');
    for (const name of ['used', 'new']) {
      const message = new RegExp(
        `^ERROR: the data directory cannot be used: \\S*/${name} is on a read-only file system`,
      );
      await assertRefused(join(disk.path, name), message);
    }
    disk.remount('rw');
    await using obraz = await startObraz({ dataDirectory: join(disk.path, 'used') });
    assert.equal(await obraz.end(), 0, 'once it can be written it is as it was');
  });

  test('is refused when there is no space for a first start', options, async () => {
    await using disk = await mountSmallDisk(32 * mib);
    const ballast = join(disk.path, 'ballast');
    const data = join(disk.path, 'data');
    // What is left is soon used up, each time by another step.
    for (const leftBytes of [0, 8 * 1024, 40 * 1024, 150 * 1024]) {
      await fill(ballast);
      await truncate(ballast, (await stat(ballast)).size - leftBytes);
      await assertRefused(data, /^ERROR: there is no space left for the data directory\./m);
    }
    await rm(ballast);
    await using obraz = await startObraz({ dataDirectory: data });
    assert.equal(await obraz.end(), 0, 'what the tries left is completed');
  });
});

/** Writes until nothing more fits. */
async function fill(path: string): Promise<void> {
  for (const size of [mib, 64 * 1024, 4096]) {
    const piece = Buffer.alloc(size, 1);
    for (;;) {
      const failed = await writeFile(path, piece, { flag: 'a' }).then(
        () => false,
        () => true,
      );
      if (failed) break;
    }
  }
}
