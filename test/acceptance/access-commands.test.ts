import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runCommand } from '../fixtures/command.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Clouds, folders and who may do what, by `./bin/obraz`: what people type and what they see. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
});
after(() => opened.disposeAsync());

async function run(...args: string[]) {
  const ended = await runCommand([...args, '--data', obraz.dataDirectory, '--format', 'json']);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout === '' ? undefined : JSON.parse(ended.stdout);
}

test('makes a cloud and a folder, finds, changes and deletes them', async () => {
  const cloud = await run('resource-manager', 'cloud', 'create', 'work', '--labels', 'a=b', '--organization-id', 'bpf');
  assert.deepEqual([cloud.name, cloud.labels, cloud.organization_id], ['work', { a: 'b' }, 'bpf']);
  assert.deepEqual(await run('resource-manager', 'cloud', 'get', 'work'), cloud);
  const inCloud = ['--cloud-id', cloud.id];
  const folder = await run('resource-manager', 'folder', 'create', '--name', 'one', ...inCloud);
  assert.deepEqual([folder.cloud_id, folder.status], [cloud.id, 'ACTIVE']);
  assert.deepEqual(await run('resource-manager', 'folder', 'get', folder.id), folder);
  assert.deepEqual(await run('resource-manager', 'folder', 'get', 'one', ...inCloud), folder);
  const renamed = await run('resource-manager', 'folder', 'update', 'one', '--new-name', 'two', ...inCloud);
  assert.deepEqual(await run('resource-manager', 'folder', 'list', ...inCloud), [renamed]);
  assert.deepEqual(await run('image', 'list', '--folder-name', 'two', ...inCloud), []);
  const history = await run('resource-manager', 'folder', 'list-operations', folder.id);
  assert.equal(history.length, 2);
  await run('resource-manager', 'folder', 'delete', 'two', ...inCloud);
  await run('resource-manager', 'cloud', 'delete', 'work');
  const gone = await runCommand(['resource-manager', 'cloud', 'get', 'work', '--data', obraz.dataDirectory]);
  assert.notEqual(gone.code, 0);
  assert.match(gone.stderr, /there is no cloud "work"/);
});

test('gives and takes back roles on images and folders', async () => {
  const uri = files.put('access.raw', noise(4096, 9));
  const image = await run('image', 'create', '--name', 'shared', '--source-uri', uri);
  const account = await run('iam', 'service-account', 'create', 'worker');
  await run('image', 'add-access-binding', 'shared', '--role', 'compute.images.user', '--all-authenticated-users');
  await run('image', 'add-access-binding', 'shared', '--role', 'editor', '--service-account-name', 'worker');
  const bindings = await run('compute', 'image', 'list-access-bindings', image.id);
  const everybody = { role_id: 'compute.images.user', subject: { id: 'allAuthenticatedUsers', type: 'system' } };
  const worker = { role_id: 'editor', subject: { id: account.id, type: 'serviceAccount' } };
  const byRole = (one: { role_id: string }, other: { role_id: string }) => one.role_id.localeCompare(other.role_id);
  assert.deepEqual(bindings.sort(byRole), [everybody, worker]);
  await run('image', 'remove-access-binding', 'shared', '--role', 'editor', '--service-account-id', account.id);
  assert.deepEqual(await run('image', 'list-access-bindings', 'shared'), [everybody]);

  const binding = `role=viewer,subject=serviceAccount:${account.id}`;
  await run('resource-manager', 'folder', 'set-access-bindings', 'default', '--access-binding', binding);
  assert.deepEqual(await run('resource-manager', 'folder', 'list-access-bindings', 'default'), [
    { ...worker, role_id: 'viewer' },
  ]);
  await run('resource-manager', 'folder', 'set-access-bindings', 'default');
  assert.deepEqual(await run('resource-manager', 'folder', 'list-access-bindings', 'default'), []);
});

test('says what is wrong with a binding', async () => {
  const folder = ['resource-manager', 'folder', 'add-access-binding', 'default', '--data', obraz.dataDirectory];
  for (const [args, said] of [
    [['--role', 'viewer'], /say whom: --subject, --service-account-id/],
    [['--role', 'viewer', '--subject', 'x'], /"x" is no subject/],
    [['--role', 'viewer', '--subject', 'userAccount:a', '--all-authenticated-users'], /exclude each other/],
    [['--role', 'boss', '--all-authenticated-users'], /there is no role "boss" here; there are admin, editor/],
  ] as const) {
    const ended = await runCommand([...folder, ...args]);
    assert.notEqual(ended.code, 0);
    assert.match(ended.stderr, said);
  }
});
