import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { S3Settings } from '../../src/blobs/s3/s3-settings.ts';
import { runCommand } from '../fixtures/command.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { environmentOf, type S3Server, s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** What a start does with a bucket: one that cannot be used, one of others, and one that is all that was left. */

describe('a service on a bucket', { skip: s3Missing }, () => {
  let server: S3Server;
  let files: FileServer;
  before(async () => {
    server = await startS3Server();
    files = await startFileServer();
  });
  after(async () => {
    await files[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  async function refusal(dataDirectory: string, env: Record<string, string>): Promise<string> {
    const { code, stderr } = await runCommand(['serve', '--listen', '127.0.0.1:0', '--data', dataDirectory], { env });
    assert.equal(code, 4, stderr);
    const forPeople = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    assert.equal(forPeople.length, 1, stderr);
    return forPeople.join();
  }

  test('says in one line why a bucket cannot be used', async () => {
    await using directory = await temporaryDirectory();
    const settings = await server.createBucket();
    const refused = (changed: Partial<S3Settings>) =>
      refusal(directory.path, environmentOf({ ...settings, ...changed }));
    const wrongKey = { ...settings.credentials, secretAccessKey: 'wrong' };
    const [noBucket, noKey, nobody] = await Promise.all([
      refused({ bucket: 'no-such-bucket' }),
      refusal(join(directory.path, '2'), environmentOf({ ...settings, credentials: wrongKey })),
      refusal(join(directory.path, '3'), environmentOf({ ...settings, endpoint: 'http://127.0.0.1:1' })),
    ]);
    assert.match(
      noBucket,
      /s3:\/\/no-such-bucket at http.* cannot be used: writing an object failed: 404 NoSuchBucket/,
    );
    assert.match(noKey, /cannot be used: writing an object failed: 403 SignatureDoesNotMatch/);
    assert.match(nobody, /cannot be used: writing an object failed: .*ECONNREFUSED/);
    assert.doesNotMatch(noKey, /wrong/);
  });

  test('is refused on the bucket of another installation, and without its own', async () => {
    await using directory = await temporaryDirectory();
    const env = environmentOf(await server.createBucket('mine'));
    const mine = join(directory.path, 'mine');
    const other = join(directory.path, 'other');
    {
      await using _obraz = await startObraz({ dataDirectory: mine, env });
    }
    {
      await using _obraz = await startObraz({ dataDirectory: other, env: environmentOf(await server.createBucket()) });
    }
    assert.match(await refusal(other, env), /belongs to another installation/);
    assert.match(await refusal(mine, {}), /are in an S3 bucket: say which, as before, with OBRAZ_BLOBS/);
    const rebuilt = await runCommand(['fsck', '--rebuild', '--data', other], { env });
    assert.equal(rebuilt.code, 4);
    assert.match(rebuilt.stderr, /belongs to another installation/);
  });

  test('a machine that was lost comes back from its bucket', async () => {
    await using directory = await temporaryDirectory();
    const settings = await server.createBucket('deep/prefix');
    const env = environmentOf(settings);
    const disk = smallDisk(51);
    const uri = files.put('lost.qcow2', disk.qcow2);
    const first = join(directory.path, 'first');
    const second = join(directory.path, 'second');
    const run = async (dataDirectory: string, ...args: string[]) => {
      const ended = await runCommand([...args, '--data', dataDirectory], { env });
      assert.equal(ended.code, 0, ended.stderr);
      return ended.stdout;
    };
    {
      await using _obraz = await startObraz({ dataDirectory: first, env });
      await run(first, 'image', 'create', '--name', 'lost', '--source-uri', uri);
      assert.match(await run(first, 'fsck', '--read-data'), /: 0 errors, 0 warnings/);
    }
    assert.deepEqual(await readdir(join(first, 'packs'), { recursive: true }), [], 'no pack is on the machine');
    const installationId = await readFile(join(first, 'installation-id'), 'utf8');
    await rm(first, { recursive: true });

    assert.match(await refusal(second, env), /Run "obraz fsck --rebuild"/);
    assert.match(await run(second, 'fsck', '--rebuild'), /1 that it had lost are back/);
    await using _obraz = await startObraz({ dataDirectory: second, env });
    assert.equal(await readFile(join(second, 'installation-id'), 'utf8'), installationId);
    const [image] = JSON.parse(await run(second, 'image', 'list', '--folder-name', 'recovered', '--format', 'json'));
    const path = join(directory.path, 'back.raw');
    await run(second, 'image', 'download', image.id, path);
    assert.ok((await readFile(path)).equals(disk.guest));
    assert.match(await run(second, 'fsck', '--read-data'), /: 0 errors, 0 warnings/);
    // Besides what the server keeps for itself.
    assert.deepEqual(await readdir(server.folderOf({ ...settings, prefix: '' })), ['.sgwtmp', 'deep']);
    assert.deepEqual((await readdir(server.folderOf(settings))).toSorted(), ['installation-id', 'packs']);
  });
});
