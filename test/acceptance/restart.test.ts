import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startCommand } from '../fixtures/command.ts';
import { type Door, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { onlyLocal } from '../fixtures/run-servers.ts';
import type { ServiceStorage } from '../fixtures/service-storage.ts';

/** The service ends in every way there is, and nothing that it promised is lost. */

let files: FileServer;
before(async () => {
  files = await startFileServer();
});
after(() => files[Symbol.asyncDispose]());

const mib = 1024 * 1024;
/** Two packs full and a rest, of bytes that a pack can't make smaller. */
const guest = noise(70 * mib, 31);

async function startImport(obraz: Obraz, door: Door) {
  const uri = files.put('restart.raw', guest);
  const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
  return { operationId: String(body.id), imageId: String(body.metadata.imageId) };
}

/** Packs that are complete: an import comes back to the last of them. */
async function sealedPacks({ packsFolder }: ServiceStorage): Promise<string[]> {
  const entries = await readdir(packsFolder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.endsWith('partial'));
  return files.map(({ name }) => name);
}

/** Whether every pack is one that a volume needs, or needed until a compaction: how many these are is a matter of speed. */
async function isTidy(storage: ServiceStorage): Promise<boolean> {
  const unneeded = await storage.rows(
    `select id from packs where state = 'writing' or (state = 'live' and id not in (select pack_id from segment_packs))`,
  );
  const known = new Set((await storage.rows('select id from packs')).map(({ id }) => id));
  return unneeded.length === 0 && (await sealedPacks(storage)).every((name) => known.has(name));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(10);
}

async function assertContent(obraz: Obraz, imageId: string): Promise<void> {
  await using http = openHttp(obraz);
  const { status, bytes } = await http.content(imageId);
  assert.equal(status, 200);
  assert.ok(bytes.equals(guest));
}

/** Where an import is, by its operation: only true progress may be shown, so it never goes back by much. */
async function guestBytesDone(door: Door, operationId: string): Promise<number> {
  const { body } = await door.call('OperationService.Get', { operationId });
  assert.equal(body.done ?? false, false, JSON.stringify(body));
  return Number(body.metadata.progress?.guestBytesDone ?? 0);
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`an import goes on at its checkpoint after ${signal}`, async () => {
    await using directory = await temporaryDirectory();
    const dataDirectory = directory.path;
    let started: Awaited<ReturnType<typeof startImport>>;
    {
      await using obraz = await startObraz({ dataDirectory });
      await using door = openGrpcDoor(obraz);
      // However slow the machine is, the import can't be over before the service is ended.
      files.hold(60 * mib, 64 * mib);
      started = await startImport(obraz, door);
      const { operationId } = started;
      await until(async () => (await sealedPacks(obraz.storage)).length > 0);
      // The commit follows the seal at once; more progress than a pack holds shows that it is behind us.
      await until(async () => (await guestBytesDone(door, operationId)) > 40 * mib);
      const begun = performance.now();
      const code = await obraz.end(signal);
      const tookMs = performance.now() - begun;
      assert.equal(code, signal === 'SIGTERM' ? 0 : null, obraz.log());
      assert.ok(tookMs < 10_000, `${tookMs} ms`);
      if (signal === 'SIGTERM') await assert.rejects(access(join(dataDirectory, 'serving.json')), { code: 'ENOENT' });
    }
    files.release();
    const sentBefore = files.sentBytes();
    await using obraz = await startObraz({ dataDirectory });
    await using door = openRestDoor(obraz);
    const done = await untilDone(door, started.operationId);
    assert.equal(done.response?.status, 'READY', JSON.stringify(done));
    const sentAgain = files.sentBytes() - sentBefore;
    assert.ok(sentAgain <= guest.length - 28 * mib, `${sentAgain} of ${guest.length} bytes were fetched again`);
    await assertContent(obraz, started.imageId);
  });
}

test('an import survives being killed again and again, wherever it is', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = directory.path;
  let started: Awaited<ReturnType<typeof startImport>> | undefined;
  files.limit(48 * mib);
  // Guest bytes that are done when it is killed; the first time nothing has begun.
  for (const killAt of [0, 4 * mib, 44 * mib, 68 * mib]) {
    await using obraz = await startObraz({ dataDirectory });
    await using door = openGrpcDoor(obraz);
    started ??= await startImport(obraz, door);
    const { operationId } = started;
    await until(async () => {
      const { body } = await door.call('OperationService.Get', { operationId });
      return (body.done ?? false) || Number(body.metadata.progress?.guestBytesDone ?? 0) >= killAt;
    });
    await obraz.end('SIGKILL');
  }
  files.limit(Number.POSITIVE_INFINITY);
  assert.ok(started !== undefined);
  await using obraz = await startObraz({ dataDirectory });
  await using door = openGrpcDoor(obraz);
  const done = await untilDone(door, started.operationId);
  assert.equal(done.response?.status, 'READY', JSON.stringify(done));
  await assertContent(obraz, started.imageId);

  // What the killed ones left behind is collected: in the end there is what is needed, and no more.
  await until(() => isTidy(obraz.storage));
  assert.deepEqual(await readdir(join(obraz.storage.packsFolder, 'partial')).catch(() => []), []);
});

test('SIGTERM ends in order while clients hold on to their connections', async () => {
  await using obraz = await startObraz();
  await using grpc = openGrpcDoor(obraz);
  await using rest = openRestDoor(obraz);
  for (const door of [grpc, rest]) await door.call('FolderService.Get', { folderId: obraz.folderId });
  const idle = connect(Number(obraz.endpoint.split(':')[1]), '127.0.0.1').on('error', () => {});
  await once(idle, 'connect');
  const begun = performance.now();
  assert.equal(await obraz.end('SIGTERM'), 0);
  assert.ok(performance.now() - begun < 5_000, 'connections without a call are not waited for');
  assert.doesNotMatch(obraz.log(), /"level":"(error|fatal)"/);
});

test('a first start that was killed anywhere is completed by the next', {
  skip: onlyLocal('its marks are files of a data directory'),
}, async () => {
  // Each is there at another moment of a first start.
  for (const mark of ['lock.db', 'tls/ca-key.pem', 'metadata.db', 'credentials/admin.token']) {
    await using directory = await temporaryDirectory();
    const dataDirectory = directory.path;
    {
      await using first = startCommand(['serve', '--data', dataDirectory, '--listen', '127.0.0.1:0']);
      await until(() =>
        access(join(dataDirectory, mark)).then(
          () => true,
          () => false,
        ),
      );
      first.kill('SIGKILL');
      await first.ended;
    }
    await using obraz = await startObraz({ dataDirectory });
    await using door = openGrpcDoor(obraz);
    const uri = files.put('first.qcow2', smallDisk(32).qcow2);
    const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
    assert.equal((await untilDone(door, body.id)).response?.status, 'READY', mark);
  }
});
