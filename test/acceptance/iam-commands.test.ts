import assert from 'node:assert/strict';
import { createHash, createPrivateKey } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type JWTPayload, SignJWT } from 'jose';
import { Agent, request } from 'undici';
import { parse as parseYaml } from 'yaml';
import { runCommand } from '../fixtures/command.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** `./bin/obraz iam ...` against a started service. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let directory: string;

before(async () => {
  directory = opened.use(await temporaryDirectory()).path;
  const users = [{ id: 'ajealice000000000000', login: 'alice', oauth_token_sha256: sha256('y0_alice') }];
  await writeFile(join(directory, 'users.json'), JSON.stringify({ users }));
  obraz = opened.use(await startObraz({ flags: ['--users', join(directory, 'users.json')] }));
});
after(() => opened.disposeAsync());

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Runs a command against the service's data directory, from another folder. */
const run = (...args: string[]) => runCommand([...args, '--data', obraz.dataDirectory]);

async function succeed(...args: string[]): Promise<string> {
  const ended = await run(...args);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout;
}

async function fail(message: RegExp, ...args: string[]): Promise<void> {
  const ended = await run(...args);
  assert.equal(ended.code, 1, ended.stdout);
  assert.match(ended.stderr, message);
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look into what is printed freely; a wrong path is undefined
const succeedJson = async (...args: string[]): Promise<any> => JSON.parse(await succeed(...args, '--format', 'json'));

test('makes a service account and a key file, and works with it until the key is deleted', async () => {
  const account = parseYaml(await succeed('iam', 'service-account', 'create', 'ci', '--description', 'of the CI'));
  assert.deepEqual([account.name, account.status], ['ci', 'ACTIVE']);
  assert.deepEqual(await succeedJson('iam', 'service-account', 'get', 'ci'), account);
  assert.match(await succeed('iam', 'service-account', 'list'), new RegExp(`^${account.id} +ci +of the CI +2`, 'm'));
  const renamed = await succeedJson('iam', 'service-account', 'update', 'ci', '--new-name', 'cd', '--labels', 'a=b');
  assert.deepEqual(renamed, { ...account, name: 'cd', labels: { a: 'b' } });
  const operations = await succeedJson('iam', 'service-account', 'list-operations', '--id', account.id);
  assert.equal(operations.length, 2);

  const path = join(directory, 'key.json');
  const key = parseYaml(await succeed('iam', 'key', 'create', '--service-account-name', 'cd', '-o', path));
  const file = JSON.parse(await readFile(path, 'utf8'));
  assert.deepEqual(Object.keys(file), [
    ...['id', 'service_account_id', 'created_at', 'key_algorithm', 'public_key', 'private_key'],
  ]);
  const { private_key: privateKey, ...shown } = file;
  assert.match(privateKey, /^-----BEGIN PRIVATE KEY-----/);
  assert.deepEqual({ ...key, created_at: shown.created_at }, shown);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await fail(/key.json is there already/, 'iam', 'key', 'create', '--service-account-name', 'cd', '-o', path);
  const nobody = join(directory, 'nobody.json');
  await fail(/"ajenobody" not found/, 'iam', 'key', 'create', '--service-account-id', 'ajenobody', '-o', nobody);
  await assert.rejects(stat(nobody), { code: 'ENOENT' });
  assert.deepEqual(await succeedJson('iam', 'key', 'list', '--service-account-id', account.id), [key]);
  assert.deepEqual(await succeedJson('iam', 'key', 'get', key.id), key);

  const asAccount = ['--service-account-key-file', path];
  assert.match(await succeed('zone', 'list', ...asAccount), /ru-central1-a/);
  await fail(/Permission denied/, 'image', 'list', '--folder-id', obraz.folderId, ...asAccount);
  const token = (await succeed('iam', 'create-token', ...asAccount)).trim();
  assert.match(token, /^t1\.[\w-]+\.[\w-]{86}$/);
  assert.equal((await succeed('iam', 'create-token', '--token', token)).trim(), token, 'as it was given');
  assert.deepEqual(await succeedJson('iam', 'revoke-token', token), { subject_id: account.id });
  await fail(/The token is invalid/, 'zone', 'list', '--token', token);

  const second = (await succeed('iam', 'create-token', ...asAccount)).trim();
  const ended = await succeedJson('iam', 'revoke-tokens', '--service-account-name', 'cd');
  assert.equal(ended.subject_id, account.id);
  await fail(/The token is invalid/, 'zone', 'list', '--token', second);
  await fail(/say whose/, 'iam', 'revoke-tokens');

  const impersonated = ['--impersonate-service-account-id', account.id];
  await fail(/Permission denied/, 'image', 'list', '--folder-id', obraz.folderId, ...impersonated);

  assert.equal(await succeed('iam', 'key', 'delete', key.id), '');
  await fail(/its key is unknown or its signature is wrong/, 'zone', 'list', ...asAccount);
  assert.equal(await succeed('iam', 'service-account', 'delete', 'cd'), '');
});

test('makes an access key whose secret is shown once', async () => {
  const { id } = await succeedJson('iam', 'service-account', 'create', 'uploader');
  const made = parseYaml(await succeed('iam', 'access-key', 'create', '--service-account-name', 'uploader'));
  const { access_key: key, secret } = made;
  assert.match(key.key_id, /^YCAJE[\w-]{20}$/);
  assert.match(secret, /^[\w-]{40}$/);
  assert.equal(key.service_account_id, id);
  assert.deepEqual(await succeedJson('iam', 'access-key', 'get', key.id), key);
  const list = await succeed('iam', 'access-key', 'list', '--service-account-id', id);
  assert.match(list, new RegExp(`^${key.id} +${key.key_id} `, 'm'));
  assert.doesNotMatch(list, new RegExp(secret));
  await succeed('iam', 'access-key', 'delete', key.id);
  await fail(/Access key ".*" not found/, 'iam', 'access-key', 'get', key.id);
});

test('makes a key file for gcloud and the SDKs of Google, which tells them where to get a token', async () => {
  const { id, folder_id: folderId } = parseYaml(await succeed('iam', 'service-account', 'create', 'google'));
  const create = ['iam', 'key', 'create', '--service-account-name', 'google', '--output'];
  const path = join(directory, 'google.json');
  const key = await succeedJson(...create, path, '--key-format', 'google');
  const { private_key: privateKey, ...file } = JSON.parse(await readFile(path, 'utf8'));
  assert.deepEqual(file, {
    type: 'service_account',
    project_id: folderId,
    private_key_id: key.id,
    client_email: `${id}@${folderId}.iam.obraz.internal`,
    client_id: id,
    auth_uri: `https://${obraz.endpoint}/auth`,
    token_uri: `https://${obraz.endpoint}/token`,
    universe_domain: 'obraz.internal',
  });
  assert.equal((await stat(path)).mode & 0o777, 0o600);

  const sign = (claims: JWTPayload) =>
    new SignJWT({ iss: file.client_email, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: file.private_key_id })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(createPrivateKey(privateKey));
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' };
  const assertion = await sign({ aud: file.token_uri });
  const body = `${new URLSearchParams({ ...grant, assertion })}`;
  const agent = new Agent({ connect: { ca: obraz.ca } });
  opened.defer(() => agent.close());
  const answer = await request(file.token_uri, { method: 'POST', body, dispatcher: agent });
  const { access_token: issued } = JSON.parse(await answer.body.text());
  const selfSigned = await sign({ sub: file.client_email, aud: `https://${obraz.endpoint}/` });
  const show = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const shown = await request(`https://${obraz.endpoint}/compute/v1/zones`, { headers, dispatcher: agent });
    return [shown.statusCode, await shown.body.text()] as const;
  };
  for (const token of [issued, selfSigned]) assert.equal((await show(token))[0], 200);
  await succeed('iam', 'key', 'delete', key.id);
  for (const token of [issued, selfSigned]) {
    const [status, text] = await show(token);
    assert.equal(status, 401);
    assert.match(text, /The token is invalid/);
  }

  const own = [...create, join(directory, 'own.json')];
  await succeed(...own, '--key-format', 'google', '--universe-domain', 'images.example.com');
  assert.equal(JSON.parse(await readFile(join(directory, 'own.json'), 'utf8')).universe_domain, 'images.example.com');
  const other = [...create, join(directory, 'other.json')];
  await fail(/goes with --key-format google/, ...other, '--universe-domain', 'images.example.com');
  const theirs = await run(...other, '--key-format', 'google', '--universe-domain', 'googleapis.com');
  assert.equal(theirs.code, 2);
  assert.match(theirs.stderr, /not the public cloud's own/);
});

test('gives the administrator of this machine a token of his own', async () => {
  const issued = await succeedJson('iam', 'create-token');
  assert.notEqual(issued.iam_token, obraz.token);
  assert.ok(Date.parse(issued.expires_at) > Date.now() + 11 * 3_600_000);
  const keys = await succeedJson('iam', 'key', 'list', '--token', issued.iam_token);
  assert.equal(keys.length, 1);
});

test('takes an OAuth token as it takes any other', async () => {
  assert.match(await succeed('zone', 'list', '--token', 'y0_alice'), /ru-central1-a/);
  assert.match(await succeed('iam', 'create-token', '--token', 'y0_alice'), /^t1\./);
  const alice = await succeedJson('iam', 'user-account', 'get', 'alice', '--token', 'y0_alice');
  assert.deepEqual(await succeedJson('iam', 'user-account', 'get', '--id', alice.id), alice);
  assert.equal(alice.yandex_passport_user_account.login, 'alice');
  await fail(/OAuth token is invalid or expired/, 'zone', 'list', '--token', 'y0_bob');
});

test('says what is wrong with a key file, and shows nothing of it', async () => {
  const wrong = join(obraz.dataDirectory, 'tls', 'ca-key.pem');
  await fail(
    /ca-key.pem is not the key file of a service account/,
    'zone',
    'list',
    '--service-account-key-file',
    wrong,
  );
  await fail(/there is no key file \/nowhere/, 'zone', 'list', '--service-account-key-file', '/nowhere');
  await fail(/leave one of them out/, 'zone', 'list', '--service-account-key-file', wrong, '--token', 't');
});
