import assert from 'node:assert/strict';
import { mkdtempDisposable, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { pino } from 'pino';
import { openUsers } from './open-users.ts';
import { readUsers, UsersFileInvalid } from './users-file.ts';

const hash = '0123456789abcdef'.repeat(4);

async function usersFile(text: string) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'obraz-users-'));
  const path = join(directory.path, 'users.yaml');
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => directory.remove() };
}

/** What is said of a file with this text. */
async function complaint(text: string): Promise<string> {
  await using file = await usersFile(text);
  try {
    await readUsers(file.path, 'ajeadmin');
  } catch (error) {
    assert.ok(error instanceof UsersFileInvalid);
    return error.message;
  }
  return '';
}

test('reads users, in YAML or JSON, and takes hashes of digits alone for what they are', async () => {
  const digits = '1'.repeat(64);
  await using yaml = await usersFile(
    `users:\n- {id: aje1, login: alice, default_email: a@example.com, oauth_token_sha256: ${digits}}\n- {id: aje2, login: bob}\n`,
  );
  const alice = { id: 'aje1', login: 'alice', defaultEmail: 'a@example.com', oauthTokenSha256: digits };
  const bob = { id: 'aje2', login: 'bob', defaultEmail: '', oauthTokenSha256: undefined };
  assert.deepEqual(await readUsers(yaml.path, 'ajeadmin'), [alice, bob]);
  await using json = await usersFile(JSON.stringify({ users: [{ id: 'aje2', login: 'bob' }] }));
  assert.deepEqual(await readUsers(json.path, 'ajeadmin'), [bob]);
  await using empty = await usersFile('users: []');
  assert.deepEqual(await readUsers(empty.path, 'ajeadmin'), []);
});

test('says everything that is wrong with the file', async () => {
  for (const text of ['', 'users', '- a', 'users: {}', 'users: [a]', 'users: [[]]']) {
    assert.match(await complaint(text), /give a list of users under "users:"/, text);
  }
  assert.match(await complaint('users: [}'), /cannot be used/);
  const wrong = await complaint(
    ['users:', '- {id: A1, login: "a b", oauth_token_sha256: secret, oauth_token: secret}', '- {login: x}'].join('\n'),
  );
  for (const field of ['[0].id', '[0].login', '[0].oauth_token_sha256', '[0].oauth_token: no such', '[1].id']) {
    assert.ok(wrong.includes(`users${field}`), `${field} in ${wrong}`);
  }
  assert.doesNotMatch(wrong, /secret/, 'it may be the token itself');
  assert.match(await complaint('users: [{id: ajeadmin, login: x}]'), /users\[0\].id: is the administrator's/);
  const twins = await complaint(
    [
      'users:',
      `- {id: a, login: b, oauth_token_sha256: ${hash}}`,
      `- {id: a, login: b, oauth_token_sha256: ${hash}}`,
    ].join('\n'),
  );
  for (const field of ['id', 'login', 'oauth_token_sha256']) {
    assert.ok(twins.includes(`users[1].${field}: users[0] has the same`), twins);
  }
  await assert.rejects(readUsers('/nonexistent/users.yaml', 'ajeadmin'), /ENOENT/);
});

test('reads the file again when it changes, and keeps its users when the new one is broken', async () => {
  await using file = await usersFile('users: [{id: aje1, login: alice}]');
  const { promise: complained, resolve } = Promise.withResolvers<string>();
  const log = pino({ level: 'error' }, { write: resolve });
  await using opened = await openUsers({ path: file.path, administratorId: 'ajeadmin', log, everyMs: 5 });
  assert.equal(opened.users.byLogin('alice')?.id, 'aje1');
  await writeFile(file.path, 'users: [{login: alice}]');
  assert.match(await complained, /users\[0\].id/);
  assert.equal(opened.users.byLogin('alice')?.id, 'aje1');
  await writeFile(`${file.path}.new`, 'users: [{id: aje2, login: bob}]');
  await rename(`${file.path}.new`, file.path);
  while (opened.users.byLogin('bob') === undefined) await new Promise((done) => setTimeout(done, 5));
  assert.equal(opened.users.byId('aje1'), undefined);
});

test('there are no users without a file', async () => {
  await using opened = await openUsers({
    path: undefined,
    administratorId: 'ajeadmin',
    log: pino({ level: 'silent' }),
  });
  assert.equal(opened.users.byLogin(''), undefined);
  assert.equal(opened.users.byOauthToken(''), undefined);
});
