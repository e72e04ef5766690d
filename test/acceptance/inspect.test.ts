import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../fixtures/command.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** `obraz image inspect`, as a person uses it on a file just downloaded: no server runs, and none is asked for. */

test('says what a disk file is, and the digest of the image that it would become', async () => {
  await using directory = await temporaryDirectory();
  const disk = smallDisk(70);
  const path = join(directory.path, 'disk.anything');
  await writeFile(path, disk.qcow2);
  const { code, stdout } = await runCommand(['image', 'inspect', path, '--format', 'json']);
  assert.equal(code, 0);
  const inspection = JSON.parse(stdout);
  assert.equal(inspection.verdict, 'IMPORTABLE');
  assert.equal(inspection.source.sha256, createHash('sha256').update(disk.qcow2).digest('hex'));
  assert.equal(inspection.source.disk.format, 'qcow2');
  assert.equal(inspection.source.disk.virtual_size, String(disk.guest.length));

  const quick = JSON.parse((await runCommand(['image', 'inspect', '--quick', path, '--format', 'json'])).stdout);
  assert.deepEqual(quick.source.disk, inspection.source.disk);
  assert.equal(quick.guest_digest, undefined);
  assert.match((await runCommand(['compute', 'image', 'inspect', path])).stdout, /^verdict: IMPORTABLE\n/);

  await using obraz = await startObraz();
  await using files = await startFileServer();
  const uri = files.put('disk.qcow2', disk.qcow2);
  const args = ['image', 'create', '--name', 'a', '--source-uri', uri, '--data', obraz.dataDirectory];
  const made = JSON.parse((await runCommand([...args, '--format', 'json'])).stdout);
  assert.equal(made.obraz.guest_digest, inspection.guest_digest);
  assert.deepEqual(made.obraz.source.disk, inspection.source.disk);
});

test('says why a file is refused, and fails', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'disk.qcow2');
  await writeFile(path, '<!doctype html><title>404 Not Found</title>');
  const { code, stdout, stderr } = await runCommand(['image', 'inspect', path, '--format', 'json']);
  assert.equal(code, 1);
  const { verdict, refusal } = JSON.parse(stdout);
  assert.deepEqual([verdict, refusal.check], ['REFUSED', 'raw.not-a-disk']);
  assert.match(refusal.reason, /The file is an HTML page/);
  assert.match(stderr, /is refused \(raw\.not-a-disk\): The file is an HTML page/);

  const none = await runCommand(['image', 'inspect', join(directory.path, 'none')]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^ERROR: ENOENT: no such file/);
});

test('refuses a VHD set by its name, wherever it comes from', async () => {
  await using directory = await temporaryDirectory();
  await using files = await startFileServer();
  await using obraz = await startObraz();
  const path = join(directory.path, 'shared.vhds');
  const set = Buffer.alloc(260 * 1024, 'set');
  await writeFile(path, set);
  const uri = files.put('images/shared.vhds', set);
  const create = ['image', 'create', '--name', 'a', '--data', obraz.dataDirectory];
  for (const args of [
    ['image', 'inspect', path],
    [...create, '--source-uri', uri],
    [...create, '--file', path],
  ]) {
    const { code, stderr } = await runCommand(args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, /The file is called shared\.vhds, which is what a VHD set is called/, args.join(' '));
    assert.match(stderr, /Convert-VHD/, args.join(' '));
  }
  // Its bytes count first.
  const disk = smallDisk(3);
  const renamed = join(directory.path, 'renamed.vhds');
  await writeFile(renamed, disk.qcow2);
  assert.equal((await runCommand(['image', 'inspect', renamed])).code, 0);
});
