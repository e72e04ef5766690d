import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { CliFailed } from './cli-failed.ts';
import { type ClientEnvironment, findServer } from './find-server.ts';

const nothing: ClientEnvironment = {
  invokedAs: 'obraz',
  data: undefined,
  endpoint: undefined,
  ca: undefined,
  token: undefined,
  folderId: undefined,
  stateDirectory: '/nowhere',
};

async function dataDirectory(options: { serving: boolean }) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'obraz-find-'));
  await mkdir(join(directory.path, 'tls'));
  await mkdir(join(directory.path, 'credentials'));
  await writeFile(join(directory.path, 'tls', 'ca.pem'), 'local ca');
  await writeFile(join(directory.path, 'credentials', 'admin.token'), 'local-token\n');
  if (options.serving) await writeFile(join(directory.path, 'serving.json'), '{"endpoint":"127.0.0.1:18443"}');
  return directory;
}

const refused = (pattern: RegExp) => (error: unknown) => error instanceof CliFailed && pattern.test(error.message);

test('takes all from a local data directory', async () => {
  await using directory = await dataDirectory({ serving: true });
  const found = { endpoint: '127.0.0.1:18443', ca: 'local ca', token: 'local-token' };
  assert.deepEqual(await findServer({ data: directory.path }, nothing), found);
  assert.deepEqual(await findServer({}, { ...nothing, data: directory.path }), found);
});

test('takes flags before the environment, and both before the data directory', async () => {
  await using directory = await dataDirectory({ serving: true });
  const ca = join(directory.path, 'other-ca.pem');
  await writeFile(ca, 'other ca');
  const environment = { ...nothing, data: directory.path, endpoint: 'a:1', ca, token: 'env-token' };
  assert.deepEqual(await findServer({}, environment), { endpoint: 'a:1', ca: 'other ca', token: 'env-token' });
  assert.equal((await findServer({ endpoint: 'b:2', token: 'flag-token' }, environment)).token, 'flag-token');
});

test('uses an endpoint and a token without any data directory', async () => {
  const environment = { ...nothing, data: '/nonexistent', endpoint: 'a:1', token: 't' };
  assert.deepEqual(await findServer({}, environment), { endpoint: 'a:1', ca: undefined, token: 't' });
});

test("never sends the local administrator's token to a server of another CA", async () => {
  await using directory = await dataDirectory({ serving: true });
  const ca = join(directory.path, 'other-ca.pem');
  await writeFile(ca, 'other ca');
  await assert.rejects(findServer({ data: directory.path, endpoint: 'a:1', ca }, nothing), refused(/OBRAZ_TOKEN/));
});

test('says what is missing', async () => {
  await using directory = await dataDirectory({ serving: false });
  await assert.rejects(findServer({ data: directory.path }, nothing), refused(/no server is running/));
  await assert.rejects(findServer({ data: '/nonexistent' }, nothing), refused(/obraz serve/));
  await assert.rejects(
    findServer({ endpoint: 'a:1', token: 't', ca: '/nonexistent.pem' }, nothing),
    refused(/does not exist/),
  );
});
