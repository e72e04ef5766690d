import assert from 'node:assert/strict';
import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { obrazCommand, type RunningCommand, runCommand, startCommand } from '../fixtures/command.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { startSlowProxy } from '../fixtures/slow-proxy.ts';

/** `./bin/obraz` as a process of its own against a started service: what people type and what they see. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
const small = smallDisk(21);

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
  folder = opened.use(await temporaryDirectory());
  files.put('small.qcow2', small.qcow2);
});
after(() => opened.disposeAsync());

const smallUri = () => `${files.origin}/small.qcow2`;

/** Runs a command against the service's data directory, from another folder. */
const run = (...args: string[]) => runCommand([...args, '--data', obraz.dataDirectory]);

/** The same for a command that must succeed; returns what it printed. */
async function succeed(...args: string[]): Promise<string> {
  const ended = await run(...args);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout;
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look into what is printed freely; a wrong path is undefined
const succeedJson = async (...args: string[]): Promise<any> => JSON.parse(await succeed(...args, '--format', 'json'));

test('makes an image, shows it in every format, finds it, changes it and deletes it', async () => {
  const created = await run(
    ...['image', 'create', '--name', 'first', '--family', 'cli', '--labels', 'a=b,c=', '--description', 'one two'],
    ...['--min-disk-size', '8MB', '--os-type', 'windows', '--source-uri', smallUri()],
  );
  assert.equal(created.code, 0, created.stderr);
  assert.match(created.stderr, /^done \(\d+ s\)$/m);
  const image = parseYaml(created.stdout);
  assert.equal(image.name, 'first');
  assert.equal(image.status, 'READY');
  assert.deepEqual(image.labels, { a: 'b', c: '' });
  assert.equal(image.min_disk_size, String(8 << 20));
  assert.equal(image.os.type, 'WINDOWS');

  assert.deepEqual(await succeedJson('image', 'get', 'first'), image);
  assert.deepEqual(await succeedJson('image', 'get', image.id), image);
  assert.deepEqual(await succeedJson('image', 'get', '--id', image.id), image);
  assert.deepEqual(await succeedJson('image', 'get', '--name', 'first'), image);
  assert.deepEqual(await succeedJson('image', 'get-latest-from-family', 'cli'), image);
  const { source: _, ...details } = image.obraz;
  const listed = { ...image, obraz: details };
  assert.deepEqual(await succeedJson('compute', 'image', 'list'), [listed], 'yc has the word in front');
  assert.deepEqual(await succeedJson('image', 'list', '--filter', 'name = "another"'), []);
  assert.deepEqual(parseYaml(await succeed('image', 'list', '--format', 'yaml')), [listed]);
  const [, row] = (await succeed('image', 'list')).split('\n');
  assert.match(row ?? '', new RegExp(`^${image.id} +first +cli +READY +8 MB `));
  const rest = JSON.parse(await succeed('image', 'get', 'first', '--format', 'json-rest'));
  assert.equal(rest.folderId, obraz.folderId);

  assert.deepEqual((await succeedJson('image', 'add-labels', 'first', '--labels', 'e=f')).labels, {
    a: 'b',
    c: '',
    e: 'f',
  });
  assert.deepEqual((await succeedJson('image', 'remove-labels', 'first', '--labels', 'a,c')).labels, { e: 'f' });
  const updated = await succeedJson('image', 'update', 'first', '--new-name', 'second', '--description', 'three');
  assert.deepEqual([updated.id, updated.name, updated.description], [image.id, 'second', 'three']);
  assert.deepEqual(updated.labels, { e: 'f' }, 'what is not named stays as it is');

  const history = await succeedJson('image', 'list-operations', 'second');
  assert.deepEqual(
    history.map(({ description }: { description: string }) => description),
    ['Update image', 'Update image', 'Update image', 'Create image'],
  );
  const operation = await succeedJson('operation', 'get', history.at(-1).id);
  assert.equal(operation.done, true);
  assert.equal(operation.metadata.image_id, image.id);

  await succeed('image', 'delete', 'second');
  const gone = await run('image', 'get', 'second');
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /^ERROR: there is no image "second" in folder /);
  const goneById = await run('image', 'get', '--id', image.id);
  assert.match(goneById.stderr, new RegExp(`^ERROR: Image "${image.id}" not found \\(NOT_FOUND\\)\nrequest-id: `));
});

describe('waiting', () => {
  /** The data directory by a path that a shell must quote. */
  let dataWithSpace: string;
  before(async () => {
    dataWithSpace = join(folder.path, "the data's directory");
    await symlink(obraz.dataDirectory, dataWithSpace);
  });

  async function startSlowImport(name: string) {
    const uri = files.put(`${name}.raw`, noise(12 << 20, 22));
    files.limit(2 << 20);
    return ['image', 'create', '--name', name, '--source-uri', uri, '--data', dataWithSpace];
  }
  after(() => files.limit(Number.POSITIVE_INFINITY));

  test('with --async it prints the operation, which can be followed and cancelled', async () => {
    const started = await runCommand([...(await startSlowImport('async')), '--async', '--format', 'json']);
    assert.equal(started.code, 0, started.stderr);
    const { id, done } = JSON.parse(started.stdout);
    assert.equal(done ?? false, false);
    await using waiting = startCommand(['operation', 'wait', id, '--data', obraz.dataDirectory]);
    await waiting.untilSaid(/^importing \S+ [KM]?B \/ 12 MB/m);
    const cancelled = await succeedJson('operation', 'cancel', id);
    assert.equal(cancelled.error.code, 1);
    const ended = await waiting.ended;
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^ERROR: The operation was cancelled \(CANCELLED\)\noperation-id: \w+$/m);
    assert.equal((await succeedJson('operation', 'cancel', id)).error.code, 1, 'once more changes nothing');
  });

  test('Ctrl-C leaves the operation running and says how to follow and cancel it', async () => {
    await using creating = startCommand(await startSlowImport('interrupted'));
    await creating.untilSaid(/^importing/m);
    creating.kill('SIGINT');
    const ended = await creating.ended;
    assert.equal(ended.code, 130);
    assert.equal(ended.stdout, '');
    const [, id] = /operation (\w+) goes on/.exec(ended.stderr) ?? [];
    assert.ok(id !== undefined, ended.stderr);
    assert.equal((await succeedJson('operation', 'get', id)).done ?? false, false);
    files.limit(Number.POSITIVE_INFINITY);
    const [, wait = '', cancel = ''] = /^ +(.+)\n +(.+)$/m.exec(ended.stderr) ?? [];
    assert.match(cancel, new RegExp(`operation cancel ${id} --data`));
    const waited = await runCommand(['-c', wait], { command: '/bin/sh' });
    assert.equal(waited.code, 0, `${wait}: ${waited.stderr}`);
    assert.equal(parseYaml(waited.stdout).name, 'interrupted');
  });

  test('a failed import says why, and which operation it was', async () => {
    const failed = await run('image', 'create', '--name', 'none', '--source-uri', `${files.origin}/missing`);
    assert.equal(failed.code, 1);
    assert.equal(failed.stdout, '');
    assert.match(failed.stderr, /^ERROR: .*404.*\(NOT_FOUND\)\noperation-id: \w+$/m);
  });
});

describe('download', () => {
  /** Data, a long hole, and data at the very end. */
  const guest = Buffer.concat([noise(18 << 20, 23), Buffer.alloc(30 << 20), noise((1 << 20) + 512, 24)]);

  before(async () => {
    await succeed('image', 'create', '--name', 'big', '--source-uri', files.put('big.raw', guest));
  });

  test('writes a sparse file that has every byte', async () => {
    const target = join(folder.path, 'whole.raw');
    const done = await run('image', 'download', 'big', target);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /whole\.raw is complete$/m);
    assert.ok((await readFile(target)).equals(guest));
    const { size, blocks } = await stat(target);
    assert.equal(size, guest.length);
    assert.ok(blocks * 512 < 21 << 20, `${blocks * 512} bytes on disk`);

    const again = await run('image', 'download', 'big', target);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^ERROR: \S+whole\.raw exists: --force replaces it\.$/m);
    await writeFile(target, 'something else');
    await succeed('image', 'download', 'big', target, '--force');
    assert.ok((await readFile(target)).equals(guest));
  });

  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    test(`goes on where it was after ${signal} in the middle`, async () => {
      const target = join(folder.path, `${signal}.raw`);
      const args = ['image', 'download', 'big', target, '--data', obraz.dataDirectory];
      {
        await using slow = await startSlowProxy(obraz.endpoint, 6 << 20);
        await using running = startCommand([...args, '--endpoint', slow.endpoint]);
        await untilRecorded(target, 4 << 20, running);
        running.kill(signal);
        const { code, stderr } = await running.ended;
        assert.equal(code, signal === 'SIGINT' ? 130 : null);
        if (signal === 'SIGINT') assert.match(stderr, /Run the same command again to go on from here/);
        assert.ok(slow.passedBytes() < 18 << 20, 'it was in the middle');
      }
      await assert.rejects(stat(target), { code: 'ENOENT' }, 'what is not complete is not there');
      await using line = await startSlowProxy(obraz.endpoint, Number.POSITIVE_INFINITY);
      const resumed = await runCommand([...args, '--endpoint', line.endpoint]);
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.ok((await readFile(target)).equals(guest));
      assert.ok(line.passedBytes() < 15.5 * 2 ** 20, `${line.passedBytes()} bytes were fetched again`);
      await assert.rejects(stat(`${target}.partial`), { code: 'ENOENT' });
      await assert.rejects(stat(`${target}.partial.json`), { code: 'ENOENT' });
    });
  }

  test('says what is wrong with the place it shall write to', async () => {
    const cases: [string, RegExp][] = [
      [folder.path, /^ERROR: \S+ is a directory\.$/m],
      [join(folder.path, 'no', 'such', 'folder'), /^ERROR: .*no such/im],
      ['-', /^ERROR: a sparse file cannot be written to a pipe/m],
    ];
    for (const [target, message] of cases) {
      const refused = await run('image', 'download', 'big', target);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, message);
      assert.doesNotMatch(refused.stderr, /bug in obraz/);
    }
  });
});

test('wrong flags end with 2, a remedy and no stack', async () => {
  const wrong: [string[], RegExp][] = [
    [['image', 'create', '--nonsense'], /unknown option '--nonsense'/],
    [['image', 'frobnicate'], /unknown command 'frobnicate'/],
    [['image', 'create', '--min-disk-size', '12Q'], /Give a size such as 10GB/],
    [['image', 'create', '--labels', 'a'], /Give KEY=VALUE pairs/],
    [['image', 'create', '--os-type', 'beos'], /Allowed choices are linux, windows/],
    [['image', 'list', '--format', 'xml'], /Allowed choices are table, yaml, json, json-rest/],
    [['image', 'download', 'big'], /missing required argument 'file'/],
  ];
  for (const [args, message] of wrong) {
    const ended = await run(...args);
    assert.equal(ended.code, 2, args.join(' '));
    assert.match(ended.stderr, message);
    assert.match(ended.stderr, /--help shows what there is/);
    assert.doesNotMatch(ended.stderr, /^ +at /m);
  }
  for (const args of [
    ['image', 'create'],
    ['image', 'create', '--source-uri', 'http://x/', '--source-image-id', 'y'],
  ]) {
    assert.match((await run(...args)).stderr, /^ERROR: .*give (a source|one)/);
  }
  const refused = await run('image', 'create', '--name', 'Upper', '--source-uri', smallUri());
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^ERROR: Request validation error: name: .*\(INVALID_ARGUMENT\)/);
  assert.match(refused.stderr, /^request-id: [0-9a-f-]{36}$/m);
});

/** Waits until that much of a download is on the disk for good, by its own record. */
async function untilRecorded(target: string, bytes: number, download: RunningCommand): Promise<void> {
  for (;;) {
    const record = await readFile(`${target}.partial.json`, 'utf8').catch(() => '{"done":[]}');
    const done: [number, number][] = JSON.parse(record).done;
    if (done.reduce((sum, [start, end]) => sum + end - start, 0) >= bytes) return;
    const ended = await Promise.race([download.ended, new Promise((resolve) => setTimeout(resolve, 50))]);
    assert.equal(ended, undefined, 'the download ended too early');
  }
}

describe('finding the server', () => {
  test('from another folder and through symlinks', async () => {
    const [first, second] = [join(folder.path, 'first-link'), join(folder.path, 'second link')];
    await symlink(obrazCommand, first);
    await symlink('first-link', second);
    for (const command of [first, second]) {
      const ended = await runCommand(['image', 'list'], {
        command,
        cwd: folder.path,
        env: { OBRAZ_DATA: obraz.dataDirectory },
      });
      assert.equal(ended.code, 0, ended.stderr);
      assert.match(ended.stdout, /^ID +NAME +FAMILY/);
    }
  });

  test('by the environment alone', async () => {
    const ca = join(folder.path, 'our ca.pem');
    await writeFile(ca, obraz.ca);
    const env = { OBRAZ_ENDPOINT: obraz.endpoint, OBRAZ_CA: ca, OBRAZ_TOKEN: obraz.token };
    const listed = await runCommand(['image', 'list'], { cwd: folder.path, env });
    assert.equal(listed.code, 0, listed.stderr);
    const inFolder = await runCommand(['image', 'list'], { env: { ...env, OBRAZ_FOLDER_ID: 'b1gnosuch' } });
    assert.match(inFolder.stderr, /b1gnosuch/);
    const target = join(folder.path, 'by-environment.raw');
    await runCommand(['image', 'create', '--name', 'env', '--source-uri', smallUri()], { env });
    const downloaded = await runCommand(['image', 'download', 'env', target], { env });
    assert.equal(downloaded.code, 0, downloaded.stderr);
    assert.ok((await readFile(target)).equals(small.guest));
  });
});
