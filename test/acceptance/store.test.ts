import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../fixtures/command.ts';
import { openGrpcDoor, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { smallDisk, twoEndedGuest } from '../fixtures/guest.ts';
import { startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { storageOf } from '../fixtures/service-storage.ts';

/** What looks after the store, as people use it: fsck, scrub, space, and a rebuild after a disaster. */

async function importDisk(dataDirectory: string, files: FileServer, name: string, seed: number): Promise<Buffer> {
  const disk = smallDisk(seed);
  const uri = files.put(`${name}.qcow2`, disk.qcow2);
  const made = await runCommand(['image', 'create', '--name', name, '--source-uri', uri, '--data', dataDirectory]);
  assert.equal(made.code, 0, made.stderr);
  return disk.guest;
}

async function packFiles(dataDirectory: string): Promise<string[]> {
  const { packsFolder } = await storageOf(dataDirectory);
  const entries = await readdir(packsFolder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

for (const openDoor of [openGrpcDoor, openRestDoor]) {
  test(`a check and a scrub are operations, ${openDoor === openRestDoor ? 'REST' : 'gRPC'}`, async () => {
    await using obraz = await startObraz();
    await using door = openDoor(obraz);
    for (const method of ['StoreService.Check', 'StoreService.Scrub'] as const) {
      let { body: operation } = await door.call(method, {});
      const { id: operationId } = operation;
      while (operation.done !== true) ({ body: operation } = await door.call('OperationService.Get', { operationId }));
      assert.equal(operation.error, undefined);
      assert.match(operation.metadata['@type'], /obraz\.v1\.StoreOperationMetadata$/);
      assert.match(operation.response['@type'], /obraz\.v1\.StoreReport$/);
    }
  });
}

test('fsck, scrub and space of a healthy store, and of one with rot', async () => {
  await using files = await startFileServer();
  await using obraz = await startObraz();
  const { dataDirectory } = obraz;
  const run = (...args: string[]) => runCommand([...args, '--data', dataDirectory]);
  await importDisk(dataDirectory, files, 'one', 31);

  const checked = await run('fsck');
  assert.equal(checked.code, 0, checked.stderr);
  assert.equal(checked.stdout, '1 packs checked: 0 errors, 0 warnings\n');
  const scrubbed = await run('scrub', '--rate', '1GB');
  assert.equal(scrubbed.code, 0, scrubbed.stderr);
  assert.match(scrubbed.stdout, /^1 packs checked, \d+ chunks verified: 0 errors, 0 warnings\n$/);
  const space = JSON.parse((await run('space', '--format', 'json')).stdout);
  assert.equal(space.total.image_count, '1');
  assert.equal(space.total.logical_bytes, String(1024 * 1024));
  assert.equal(space.domains.length, 1);
  assert.match((await run('space')).stdout, /^CLOUD +IMAGES +LOGICAL .*\n.*\ntotal +1 +1 MB /);

  const [pack = ''] = await packFiles(dataDirectory);
  await using file = await open(pack, 'r+');
  await file.write(randomBytes(8), 0, 8, 5_000);
  const found = await run('fsck', '--read-data');
  assert.equal(found.code, 1);
  assert.match(found.stdout, /^error {2}chunk-corrupt {2}[0-9a-f]{24}\n {4}1 chunks are damaged, needed by fd8/);
  assert.match(found.stderr, /ERROR: 1 errors were found\./);
  assert.match((await run('fsck')).stdout, /chunks-quarantined/);

  const denied = await fetch(`https://${obraz.endpoint}/obraz/v1/store/space`).catch(() => undefined);
  assert.notEqual(denied?.status, 200);
});

test('with its metadata gone the service does not start, and a rebuild brings every image back', async () => {
  await using files = await startFileServer();
  await using folder = await temporaryDirectory();
  const dataDirectory = folder.path;
  const run = (...args: string[]) => runCommand([...args, '--data', dataDirectory]);
  const guests: Buffer[] = [];
  let digests: string[] = [];
  const list = async () => JSON.parse((await run('image', 'list', '--format', 'json')).stdout);
  {
    await using _obraz = await startObraz({ dataDirectory });
    guests.push(await importDisk(dataDirectory, files, 'one', 41), await importDisk(dataDirectory, files, 'two', 42));
    digests = (await list()).map((image: { obraz: { guest_digest: string } }) => image.obraz.guest_digest).sort();
    const refused = await run('fsck', '--rebuild');
    assert.equal(refused.code, 3, 'not while a service runs');
  }
  await (await storageOf(dataDirectory)).loseMetadata();

  const refused = await run('serve', '--listen', '127.0.0.1:0');
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /obraz fsck --rebuild/);
  const before = (await packFiles(dataDirectory)).sort();
  const rebuilt = await run('fsck', '--rebuild');
  assert.equal(rebuilt.code, 0, rebuilt.stderr);
  assert.match(rebuilt.stdout, /2 that it had lost are back/);
  assert.deepEqual((await packFiles(dataDirectory)).sort(), before);

  await using _obraz = await startObraz({ dataDirectory });
  const folderName = ['--folder-name', 'recovered'];
  const images = JSON.parse((await run('image', 'list', ...folderName, '--format', 'json')).stdout);
  assert.deepEqual(
    images.map((image: { obraz: { guest_digest: string } }) => image.obraz.guest_digest).sort(),
    digests,
  );
  const contents: Buffer[] = [];
  for (const { id, name, status } of images) {
    assert.match(name, /^vol/);
    assert.equal(status, 'READY');
    const path = join(dataDirectory, `${id}.raw`);
    const downloaded = await run('image', 'download', id, path);
    assert.equal(downloaded.code, 0, downloaded.stderr);
    contents.push(await readFile(path));
  }
  for (const guest of guests) assert.ok(contents.some((content) => content.equals(guest)));
  const checked = await run('fsck', '--read-data');
  assert.equal(checked.code, 0, checked.stdout);
});

test('a rebuild brings back what disks and snapshots hold, when no image has it any more', async () => {
  await using files = await startFileServer();
  await using folder = await temporaryDirectory();
  const dataDirectory = folder.path;
  const run = async (...args: string[]) => {
    const ended = await runCommand([...args, '--data', dataDirectory]);
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout;
  };
  const guest = twoEndedGuest(43);
  {
    await using _obraz = await startObraz({ dataDirectory });
    const uri = files.put('base.raw', guest);
    await run('image', 'create', '--name', 'base', '--source-uri', uri);
    await run('disk', 'create', '--name', 'disk', '--source-image-name', 'base');
    await run('snapshot', 'create', '--name', 'snapshot', '--disk-name', 'disk');
    await run('image', 'delete', 'base');
  }
  const storage = await storageOf(dataDirectory);
  await storage.change('delete from volume_references; delete from volumes');
  assert.match(await run('fsck', '--rebuild'), /1 that it had lost are back/);
  await using _obraz = await startObraz({ dataDirectory });
  for (const source of ['disk', 'snapshot']) {
    await run('image', 'create', '--name', `of-${source}`, `--source-${source}-name`, source);
    const path = join(dataDirectory, `${source}.raw`);
    await run('image', 'download', `of-${source}`, path);
    assert.ok((await readFile(path)).equals(guest), source);
  }
  await run('fsck', '--read-data');
});
