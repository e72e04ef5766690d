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
  serviceAccountKeyFile: undefined,
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
  const credentials = { token: 'local-token', keyPath: join(directory.path, 'credentials', 'admin-key.json') };
  const found = { endpoint: '127.0.0.1:18443', ca: 'local ca', isInstallation: true, credentials };
  assert.deepEqual(await findServer({ data: directory.path }, nothing), found);
  assert.deepEqual(await findServer({}, { ...nothing, data: directory.path }), found);
});

test('takes flags before the environment, and both before the data directory', async () => {
  await using directory = await dataDirectory({ serving: true });
  const ca = join(directory.path, 'other-ca.pem');
  await writeFile(ca, 'other ca');
  const environment = { ...nothing, data: directory.path, endpoint: 'a:1', ca, token: 'env-token' };
  const place = { endpoint: 'a:1', ca: 'other ca', isInstallation: false };
  assert.deepEqual(await findServer({}, environment), { ...place, credentials: { token: 'env-token' } });
  const flags = { endpoint: 'b:2', token: 'flag-token' };
  assert.deepEqual((await findServer(flags, environment)).credentials, { token: 'flag-token' });
});

test('uses an endpoint and a token without any data directory', async () => {
  const environment = { ...nothing, data: '/nonexistent', endpoint: 'a:1', token: 't' };
  const place = { endpoint: 'a:1', ca: undefined, isInstallation: false };
  assert.deepEqual(await findServer({}, environment), { ...place, credentials: { token: 't' } });
});

test('takes the key of a service account in place of a token, and not both from one place', async () => {
  await using directory = await dataDirectory({ serving: true });
  const environment = { ...nothing, data: directory.path, token: 'env-token' };
  const flags = { serviceAccountKeyFile: '/keys/ci.json' };
  const found = await findServer(flags, environment);
  assert.deepEqual([found.ca, found.credentials], ['local ca', { keyPath: '/keys/ci.json' }]);
  await assert.rejects(findServer({ ...flags, token: 't' }, environment), refused(/leave one of them out/));
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
