import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ensureAdminKey } from './admin-key.ts';
import { InstallationBroken } from './installation-broken.ts';

const now = new Date('2026-01-02T03:04:05Z');
const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'obraz-key-'));

test('makes a key file with the fields that the SDKs read, for its owner only', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'admin-key.json');
  const made = await ensureAdminKey(path, 'aje0', now);
  const file = JSON.parse(await readFile(path, 'utf8'));
  assert.deepEqual(Object.keys(file), [
    'id',
    'service_account_id',
    'created_at',
    'key_algorithm',
    'public_key',
    'private_key',
  ]);
  assert.deepEqual(
    {
      id: file.id,
      service_account_id: file.service_account_id,
      created_at: file.created_at,
      algorithm: file.key_algorithm,
    },
    { id: made.id, service_account_id: 'aje0', created_at: now.toISOString(), algorithm: 'RSA_2048' },
  );
  const derived = createPublicKey(createPrivateKey(file.private_key)).export({ type: 'spki', format: 'pem' });
  assert.equal(file.public_key, derived);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await ensureAdminKey(path, 'aje0', new Date()), made);
});

test('makes the key again when a crash left only a part of it', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'admin-key.json');
  await writeFile(join(directory.path, '.admin-key.json.new'), '{"id":"aj');
  const made = await ensureAdminKey(path, 'aje0', now);
  assert.equal(JSON.parse(await readFile(path, 'utf8')).id, made.id);
});

test('says what to do with a key that is damaged or of another installation', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'admin-key.json');
  await ensureAdminKey(path, 'aje0', now);
  const refused = (error: unknown) => error instanceof InstallationBroken && /remove it/.test(error.message);
  await assert.rejects(ensureAdminKey(path, 'aje1', now), refused);
  for (const text of ['', '{', 'null', '{"id":"aje0"}']) {
    await writeFile(path, text);
    await assert.rejects(ensureAdminKey(path, 'aje0', now), refused);
  }
});
