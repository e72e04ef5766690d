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
