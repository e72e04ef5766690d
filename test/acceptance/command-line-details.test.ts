import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** The command line as people and scripts use it: a process, its output and its exit code. */

const bin = join(import.meta.dirname, '..', '..', 'bin', 'obraz');
let obraz: Obraz;
let files: FileServer;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

before(async () => {
  folder = await temporaryDirectory();
  files = await startFileServer();
  obraz = await startObraz();
});
after(async () => {
  await obraz[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(bin, args, { cwd: folder.path, env: { ...process.env, OBRAZ_DATA: obraz.dataDirectory, ...env } });
}

async function run(line: string, env: Record<string, string> = {}) {
  const child = start(line.split(' '), env);
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes');
  const [out, err] = [text(child.stdout), text(child.stderr)];
  const [code] = await once(child, 'close');
  return { code, out: await out, err: await err };
}

/** Runs a command that must succeed, and reads what it printed as JSON. */
async function json(line: string) {
  const { code, out, err } = await run(`${line} --format json`);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

test('copies an image by name and by family', async () => {
  const uri = files.put('origin.qcow2', smallDisk(32).qcow2);
  const origin = await json(`image create --name origin --family origins --source-uri ${uri}`);
  for (const source of ['--source-image-name origin', `--source-image-id ${origin.id}`, '--source-family origins']) {
    const copy = await json(`image create ${source}`);
    assert.deepEqual([copy.status, copy.size], ['READY', origin.size]);
  }
});

test('lists as a table, and pages through as many as there are', async () => {
  const uri = files.put('many.qcow2', smallDisk(33).qcow2);
  await json(`image create --name many-0 --source-uri ${uri}`);
  for (const name of ['many-1', 'many-2']) await json(`image create --name ${name} --source-image-name many-0`);
  const table = await run('image list --order-by name --limit 2 --filter labels.x!=1');
  assert.equal(table.code, 0, table.err);
  const named = await json('image list --limit 0');
  assert.ok(named.filter(({ name }: { name: string }) => /^many-\d$/.test(name)).length === 3);
  assert.equal((await json('image list --limit 2')).length, 2);
  const { out } = await run('image list --limit 1');
  assert.match(out, /^ID +NAME +FAMILY +STATUS +MIN DISK +STORED +CREATED\n\w{20} /);
});

test('prints yaml for one thing, and the names of REST when asked to', async () => {
  const uri = files.put('yaml.qcow2', smallDisk(34).qcow2);
  await json(`image create --name yaml --source-uri ${uri}`);
  assert.match((await run('image get yaml')).out, /^id: fd8\w{17}\nfolder_id: b1g\w{17}\n/);
  assert.equal(JSON.parse((await run('image get yaml --format json-rest')).out).folderId, obraz.folderId);
});

test('reports failures in one place, without a stack, and keeps stdout clean', async () => {
  const missing = `${files.origin}/nothing.qcow2`;
  const cases: [line: string, code: number, says: RegExp][] = [
    [`image create --name x --source-uri ${missing}`, 1, /ERROR: .*404.*\(NOT_FOUND\)\noperation-id: \w+/],
    [
      'image create --name Bad! --source-uri http://127.0.0.1/a',
      1,
      /ERROR: .*name: .*\(INVALID_ARGUMENT\)\nrequest-id: /,
    ],
    ['image create --name x', 1, /ERROR: .*source/],
    ['image get nothing', 1, /ERROR: there is no image "nothing" in folder/],
    ['image list --folder-name nothing', 1, /ERROR: there is no folder named "nothing"/],
    ['image list --limit many', 2, /--limit/],
    ['operation get nothing', 1, /ERROR: Operation "nothing" not found/],
  ];
  for (const [line, code, says] of cases) {
    const result = await run(line);
    assert.equal(result.code, code, line);
    assert.match(result.err, says, line);
    assert.doesNotMatch(result.err, /^\s+at /m, line);
    assert.equal(result.out, '', line);
  }
});

test('works with a server that is named, and says so when it cannot', async () => {
  const env = {
    OBRAZ_DATA: '/nonexistent',
    OBRAZ_ENDPOINT: obraz.endpoint,
    OBRAZ_CA: join(obraz.dataDirectory, 'tls', 'ca.pem'),
    OBRAZ_TOKEN: obraz.token,
  };
  assert.equal((await run('image list', env)).code, 0);
  const wrong = await run('image list', { ...env, OBRAZ_TOKEN: 't1.non.sense' });
  assert.match(wrong.err, /ERROR: The token is invalid \(UNAUTHENTICATED\)/);
  const untrusted = await run('image list', { ...env, OBRAZ_CA: '' });
  assert.match(untrusted.err, /ERROR: .*OBRAZ_CA/);
  const nobody = await run('image list', { ...env, OBRAZ_ENDPOINT: '127.0.0.1:1' });
  assert.match(nobody.err, /ERROR: nothing listens on 127\.0\.0\.1:1/);
  const nowhere = await run('image list', { OBRAZ_DATA: '/nonexistent' });
  assert.match(nowhere.err, /ERROR: there is no Obraz data directory at \/nonexistent/);
});
