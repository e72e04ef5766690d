import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { revokeToken } from '../access/revoke-token.ts';
import { checkToken } from '../access/token.ts';
import { upsertTokenCutoff } from '../access/token-rows.ts';
import { openSqlite } from '../db/open-sqlite.ts';
import { describeDataDirectory, makeDataDirectory } from './data-directory.ts';
import { InstallationBroken } from './installation-broken.ts';
import { openInstallation } from './open-installation.ts';

/** A data directory that can be opened as often as a process starts. */
async function begin() {
  const parent = await mkdtempDisposable(join(tmpdir(), 'obraz-installation-'));
  const directory = describeDataDirectory(join(parent.path, 'data'));
  await makeDataDirectory(directory);
  const db = await openSqlite(directory.database);
  const start = () => openInstallation({ directory, db, listenHosts: ['127.0.0.1'], tlsNames: [], now: new Date() });
  const dispose = async () => {
    await db[Symbol.asyncDispose]();
    await parent.remove();
  };
  return { directory, db, start, [Symbol.asyncDispose]: dispose };
}

test('makes CA, certificate, key and token at the first start, and keeps them at the next', async () => {
  await using data = await begin();
  const first = await data.start();
  const { credentials, tls } = data.directory;
  assert.deepEqual((await readdir(credentials.directory)).sort(), ['admin-key.json', 'admin.token', 'token-key.pem']);
  const key = JSON.parse(await readFile(credentials.adminKey, 'utf8'));
  assert.equal(key.service_account_id, first.first.administratorId);
  const token = (await readFile(credentials.adminToken, 'utf8')).trim();
  const check = checkToken(first.tokenKey, token, new Date());
  assert.ok(check.state === 'valid' && check.claims.subject.id === first.first.administratorId);
  const known = await data.db.read.selectFrom('service_account_keys').select(['id', 'service_account_id']).execute();
  assert.deepEqual(known, [{ id: key.id, service_account_id: first.first.administratorId }]);

  const again = await data.start();
  assert.equal(again.first.administratorId, first.first.administratorId);
  assert.equal(again.tls.certificate, first.tls.certificate);
  assert.equal((await readFile(credentials.adminToken, 'utf8')).trim(), token);
  assert.equal((await data.db.read.selectFrom('service_accounts').selectAll().execute()).length, 1);
  for (const path of [tls, credentials.directory]) assert.equal((await stat(path)).mode & 0o777, 0o700);
  for (const path of [credentials.adminKey, credentials.adminToken, credentials.tokenKey]) {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  }
});

test('completes whatever a crash left undone', async () => {
  const undone: ((data: Awaited<ReturnType<typeof begin>>) => Promise<unknown>)[] = [
    ({ directory }) => rm(directory.credentials.adminToken),
    ({ directory }) => rm(directory.credentials.adminKey),
    // A crash before the first token left neither.
    async ({ directory: { credentials } }) => {
      await rm(credentials.tokenKey);
      await rm(credentials.adminToken);
    },
    // The key's file was written, its row was not.
    ({ db }) => db.transact((tx) => tx.deleteFrom('service_account_keys').execute()),
    ({ directory }) => rm(directory.tls, { recursive: true }),
  ];
  for (const undo of undone) {
    await using data = await begin();
    await data.start();
    await undo(data);
    await makeDataDirectory(data.directory);
    const { tokenKey } = await data.start();
    const token = (await readFile(data.directory.credentials.adminToken, 'utf8')).trim();
    assert.equal(checkToken(tokenKey, token, new Date()).state, 'valid');
    const { id } = JSON.parse(await readFile(data.directory.credentials.adminKey, 'utf8'));
    const row = await data.db.read
      .selectFrom('service_account_keys')
      .select('id')
      .where('id', '=', id)
      .executeTakeFirst();
    assert.ok(row !== undefined);
  }
});

test('writes a new admin token when the token key is another one', async () => {
  await using data = await begin();
  await data.start();
  await rm(data.directory.credentials.tokenKey);
  const { tokenKey } = await data.start();
  const token = (await readFile(data.directory.credentials.adminToken, 'utf8')).trim();
  assert.equal(checkToken(tokenKey, token, new Date()).state, 'valid');
});

test('writes a new admin token when the one that is there was revoked', async () => {
  await using data = await begin();
  const { tokenKey } = await data.start();
  const read = async () => (await readFile(data.directory.credentials.adminToken, 'utf8')).trim();
  const revoked = await read();
  await revokeToken({ db: data.db, tokenKey, liveTokens: { forget() {} } }, { iamToken: revoked });
  await data.start();
  const written = await read();
  assert.notEqual(written, revoked);
  assert.equal(checkToken(tokenKey, written, new Date()).state, 'valid');
  await data.start();
  assert.equal(await read(), written);
});

test('writes a new admin token when all of the administrator were ended', async () => {
  await using data = await begin();
  const { tokenKey, first } = await data.start();
  const read = async () => (await readFile(data.directory.credentials.adminToken, 'utf8')).trim();
  const ended = await read();
  const cutoff = { subjectId: first.administratorId, madeUntil: new Date() };
  await data.db.transact((tx) => upsertTokenCutoff(tx, cutoff));
  await data.start();
  const written = await read();
  assert.notEqual(written, ended);
  assert.equal(checkToken(tokenKey, written, new Date()).state, 'valid');
});

test('says why a data directory cannot be used', async () => {
  const refused = (pattern: RegExp) => (error: unknown) =>
    error instanceof InstallationBroken && pattern.test(error.message);
  await assert.rejects(makeDataDirectory(describeDataDirectory('/dev/null/data')), refused(/not a directory.*--data/));
  await assert.rejects(
    makeDataDirectory(describeDataDirectory('/proc/obraz')),
    refused(/data directory cannot be used/),
  );
});
