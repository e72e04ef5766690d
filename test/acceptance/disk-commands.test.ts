import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runCommand } from '../fixtures/command.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { twoEndedGuest } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Disks and snapshots by `./bin/obraz`: what people type and what they see. */

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

test('makes disks and snapshots, finds, changes and deletes them', async () => {
  const run = async (...args: string[]) => {
    const ended = await runCommand([...args, '--data', obraz.dataDirectory, '--format', 'json']);
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout === '' ? undefined : JSON.parse(ended.stdout);
  };
  const uri = files.put('cli.raw', twoEndedGuest(70));
  const image = await run('image', 'create', '--name', 'cli', '--family', 'cli', '--source-uri', uri);
  const disk = await run('disk', 'create', '--name', 'cli', '--source-image-family', 'cli', '--labels', 'a=b');
  assert.deepEqual([disk.source_image_id, disk.zone_id, disk.size], [image.id, zone, image.min_disk_size]);
  assert.deepEqual(await run('disk', 'get', 'cli'), disk);
  const snapshot = await run('snapshot', 'create', '--disk-name', 'cli', '--name', 'cli');
  assert.deepEqual(await run('compute', 'snapshot', 'get', snapshot.id), snapshot);
  const copy = await run('image', 'create', '--name', 'of-snapshot', '--source-snapshot-name', 'cli');
  assert.equal(copy.obraz.guest_digest, image.obraz.guest_digest);
  const ofDisk = await run('image', 'create', '--source-disk-id', disk.id);
  assert.equal(ofDisk.obraz.guest_digest, image.obraz.guest_digest);

  const grown = await run('disk', 'resize', 'cli', '--size', '32MB');
  assert.equal(grown.size, String(32 * mib));
  const renamed = await run('disk', 'update', 'cli', '--new-name', 'cli-2');
  assert.deepEqual([renamed.name, renamed.size], ['cli-2', grown.size]);
  assert.deepEqual((await run('disk', 'add-labels', 'cli-2', '--labels', 'c=d')).labels, { a: 'b', c: 'd' });
  assert.equal(
    (await run('disk', 'relocate', 'cli-2', '--destination-zone-id', 'ru-central1-b')).zone_id,
    'ru-central1-b',
  );
  await run('disk', 'move', 'cli-2', '--destination-folder-id', obraz.folderId);
  assert.equal((await run('snapshot', 'update', 'cli', '--description', 'kept')).description, 'kept');
  assert.deepEqual((await run('snapshot', 'remove-labels', 'cli', '--labels', 'x')).labels, undefined);
  const history = await run('disk', 'list-operations', 'cli-2');
  assert.deepEqual(
    history.map(({ description }: { description: string }) => description),
    ['Move disk', 'Relocate disk', 'Update disk', 'Update disk', 'Update disk', 'Create disk'],
  );
  assert.deepEqual(
    (await run('disk', 'list', '--filter', 'zone_id = ru-central1-b AND name = cli-2')).map(
      ({ id }: { id: string }) => id,
    ),
    [disk.id],
  );
  await run('disk', 'delete', 'cli-2');
  await run('snapshot', 'delete', 'cli');
  assert.deepEqual(await run('snapshot', 'list', '--filter', 'name = cli'), []);
  assert.equal((await run('zone', 'list')).length, 3);
  assert.equal((await run('disk-type', 'get', 'network-ssd')).id, 'network-ssd');
  const blank = await runCommand(['disk', 'create', '--name', 'blank', '--data', obraz.dataDirectory]);
  assert.equal(blank.code, 1);
  assert.match(blank.stderr, /give a --size/);
});
