import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import { insertAccessBinding } from '../access/access-binding-rows.ts';
import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import type { Operation } from '../operations/operation.ts';
import { createKey } from './create-key.ts';
import { type CreateServiceAccount, createServiceAccount } from './create-service-account.ts';
import { deleteKey } from './delete-key.ts';
import { deleteServiceAccount } from './delete-service-account.ts';
import { getKey } from './get-key.ts';
import { getServiceAccount } from './get-service-account.ts';
import { keyFromJson, keyToJson } from './key-json.ts';
import { KeyPairs } from './key-pairs.ts';
import { listKeyOperations } from './list-key-operations.ts';
import { listKeys } from './list-keys.ts';
import { listServiceAccountOperations } from './list-service-account-operations.ts';
import { listServiceAccounts } from './list-service-accounts.ts';
import { accountFromJson } from './service-account-json.ts';
import { updateKey } from './update-key.ts';
import { updateServiceAccount } from './update-service-account.ts';

const administrator = { administratorId: 'ajeadmin', adminKeyId: 'ajeadminkey' };
const caller: Caller = {
  subjectId: administrator.administratorId,
  requestId: 'request',
  idempotencyKey: undefined,
  requestHash: '',
  method: 'test',
};
const stranger: Caller = { ...caller, subjectId: 'ajestranger' };
/** Real ones take a second each. */
const keyPairs: Pick<KeyPairs, 'generate'> = {
  generate: async (algorithm) => ({ publicKeyPem: `public ${algorithm}`, privateKeyPem: `private ${algorithm}` }),
};
const page = { pageSize: 0, pageToken: '' };

/** Two clouds, `one` with the folders a and b, and two with c; the administrator's account is in a. */
async function openPlaces(t: TestContext, open: OpenTestDatabase) {
  const db = await open(t);
  const common = { description: '', labels: '{}', created_at: 1 };
  const clouds = ['one', 'two'].map((id) => ({ ...common, id, name: id, organization_id: '' }));
  const folders = ['a', 'b', 'c'].map((id) => {
    const cloud_id = id === 'c' ? 'two' : 'one';
    return { ...common, id, cloud_id, name: id, status: 'ACTIVE' as const };
  });
  const { administratorId: id, adminKeyId } = administrator;
  await db.transact(async (tx) => {
    await tx.insertInto('clouds').values(clouds).execute();
    await tx.insertInto('folders').values(folders).execute();
    await tx.insertInto('service_accounts').values({ id, folder_id: 'a', name: 'admin', created_at: 1 }).execute();
    const key = { service_account_id: id, algorithm: 'RSA_2048', public_key_pem: 'pem', created_at: 1 };
    await tx
      .insertInto('service_account_keys')
      .values({ ...key, id: adminKeyId })
      .execute();
  });
  let forgotten = 0;
  const liveTokens = {
    forget() {
      forgotten += 1;
    },
  };
  return { db, administrator, keyPairs, liveTokens, forgotten: () => forgotten };
}

function request(name: string, folderId = 'a'): CreateServiceAccount {
  return { folderId, name, description: '', labels: {} };
}

async function addAccount(db: Database, name: string, folderId = 'a'): Promise<string> {
  return (await createServiceAccount({ db }, request(name, folderId), caller)).resourceId;
}

function kinds({ operations }: { operations: readonly Operation[] }): string[] {
  return operations.map(({ kind }) => kind);
}

eachDatabase(({ open }) => {
  test('makes a service account, changes it, lists what was done to it, and deletes it', async (t) => {
    const deps = await openPlaces(t, open);
    const wanted = { folderId: 'a', name: 'ci', description: 'of the CI', labels: { team: 'build' } };
    const created = await createServiceAccount(deps, wanted, caller);
    const { id } = accountFromJson(created.result);
    assert.match(id, /^aje[a-z0-9]{17}$/);
    assert.deepEqual([created.resourceId, created.folderId, created.done], [id, 'a', true]);
    const account = await getServiceAccount(deps, { serviceAccountId: id });
    assert.deepEqual(account, accountFromJson(created.result));
    assert.deepEqual({ ...account, ...wanted }, account);

    const change = { serviceAccountId: id, name: 'cd', description: 'new', labels: {} };
    await updateServiceAccount(deps, { ...change, paths: ['description'] }, caller);
    assert.deepEqual(await getServiceAccount(deps, { serviceAccountId: id }), { ...account, description: 'new' });
    const updated = await updateServiceAccount(deps, { ...change, paths: undefined }, caller);
    assert.deepEqual(accountFromJson(updated.result), {
      ...account,
      ...{ name: 'cd', description: 'new', labels: {} },
    });
    const renaming = { ...change, serviceAccountId: administrator.administratorId, paths: ['name'] };
    await assert.rejects(updateServiceAccount(deps, renaming, stranger), { code: 'PERMISSION_DENIED' });
    const nameless = { ...change, name: '', paths: ['name'] };
    await assert.rejects(updateServiceAccount(deps, nameless, caller), { code: 'INVALID_ARGUMENT' });
    const history = await listServiceAccountOperations(deps, { serviceAccountId: id, ...page });
    assert.deepEqual(kinds(history).sort(), [
      'serviceAccount.create',
      'serviceAccount.update',
      'serviceAccount.update',
    ]);

    const deleted = await deleteServiceAccount(deps, { serviceAccountId: id }, caller);
    assert.deepEqual([deleted.kind, deleted.done, deps.forgotten()], ['serviceAccount.delete', true, 1]);
    const gone = { code: 'NOT_FOUND', message: `Service account "${id}" not found` };
    await assert.rejects(getServiceAccount(deps, { serviceAccountId: id }), gone);
    await assert.rejects(deleteServiceAccount(deps, { serviceAccountId: id }, caller), gone);
    await assert.rejects(updateServiceAccount(deps, { ...change, paths: undefined }, caller), gone);
    await assert.rejects(listServiceAccountOperations(deps, { serviceAccountId: id, ...page }), gone);
  });

  test('a name is one account’s in its cloud', async (t) => {
    const deps = await openPlaces(t, open);
    const first = await addAccount(deps.db, 'ci', 'a');
    const taken = { code: 'ALREADY_EXISTS', message: 'Service account with name "ci" already exists' };
    for (const folderId of ['a', 'b']) {
      await assert.rejects(createServiceAccount(deps, request('ci', folderId), caller), taken);
    }
    await addAccount(deps.db, 'ci', 'c');
    const second = await addAccount(deps.db, 'cd', 'b');
    const change = { description: '', labels: {}, paths: ['name'] };
    await assert.rejects(
      updateServiceAccount(deps, { ...change, serviceAccountId: second, name: 'ci' }, caller),
      taken,
    );
    await updateServiceAccount(deps, { ...change, serviceAccountId: first, name: 'ci' }, caller);
    await deleteServiceAccount(deps, { serviceAccountId: first }, caller);
    await addAccount(deps.db, 'ci', 'b');
    const nowhere = createServiceAccount(deps, request('x', 'nowhere'), caller);
    await assert.rejects(nowhere, { code: 'NOT_FOUND', message: 'Folder "nowhere" not found' });
  });

  test('of several that ask for a name at the same time one gets it, whatever their folders', async (t) => {
    const deps = await openPlaces(t, open);
    const asked = ['a', 'b', 'a', 'b'].map((folderId) => createServiceAccount(deps, request('ci', folderId), caller));
    const results = await Promise.allSettled(asked);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    assert.deepEqual(refused, ['ALREADY_EXISTS', 'ALREADY_EXISTS', 'ALREADY_EXISTS']);
  });

  test('lists the accounts of a folder page by page, and by name', async (t) => {
    const deps = await openPlaces(t, open);
    const names = ['admin', 'one', 'two', 'three'];
    for (const name of names.slice(1)) await addAccount(deps.db, name);
    await addAccount(deps.db, 'elsewhere', 'b');
    const seen: string[] = [];
    let pageToken = '';
    do {
      const found = await listServiceAccounts(deps, { folderId: 'a', pageSize: 3, pageToken, filter: '' });
      seen.push(...found.serviceAccounts.map(({ name }) => name));
      pageToken = found.nextPageToken;
    } while (pageToken !== '');
    assert.deepEqual(seen.sort(), [...names].sort());
    const filtered = await listServiceAccounts(deps, { folderId: 'a', ...page, filter: 'name = "two"' });
    assert.deepEqual(
      filtered.serviceAccounts.map(({ name }) => name),
      ['two'],
    );
    for (const wrong of [{ filter: 'id = "x"' }, { filter: 'name =' }, { pageToken: 'x' }]) {
      const asked = listServiceAccounts(deps, { folderId: 'a', ...page, filter: '', ...wrong });
      await assert.rejects(asked, { code: 'INVALID_ARGUMENT' });
    }
    const nowhere = listServiceAccounts(deps, { folderId: 'nowhere', ...page, filter: '' });
    await assert.rejects(nowhere, { code: 'NOT_FOUND' });
  });

  test('makes keys and gives the private half away, lists, describes and deletes them', async (t) => {
    const deps = await openPlaces(t, open);
    const serviceAccountId = await addAccount(deps.db, 'ci', 'b');
    const wanted = { serviceAccountId, description: 'laptop', algorithm: 'RSA_4096' } as const;
    const { key, privateKeyPem } = await createKey(deps, wanted, stranger);
    assert.equal(privateKeyPem, 'private RSA_4096');
    assert.deepEqual({ ...key, ...wanted, folderId: 'b', publicKeyPem: 'public RSA_4096' }, key);
    assert.deepEqual(keyFromJson(keyToJson(key)), key);
    const rows = await deps.db.read.selectFrom('service_account_keys').selectAll().execute();
    assert.doesNotMatch(JSON.stringify(rows), /private/);
    const { key: other } = await createKey(deps, { ...wanted, algorithm: 'RSA_2048' }, stranger);

    const first = await listKeys(deps, { serviceAccountId, pageSize: 1, pageToken: '' });
    const second = await listKeys(deps, { serviceAccountId, pageSize: 1, pageToken: first.nextPageToken });
    const ids = [...first.keys, ...second.keys].map(({ id }) => id);
    assert.deepEqual([ids.sort(), second.nextPageToken], [[key.id, other.id].sort(), '']);

    await updateKey(deps, { keyId: key.id, paths: ['description'], description: 'desk' }, stranger);
    assert.deepEqual(await getKey(deps, { keyId: key.id }), { ...key, description: 'desk' });
    await assert.rejects(updateKey(deps, { keyId: key.id, paths: ['public_key'], description: '' }, caller), {
      code: 'INVALID_ARGUMENT',
    });
    assert.deepEqual(kinds(await listKeyOperations(deps, { keyId: key.id, ...page })), ['key.update']);
    await deleteKey(deps, { keyId: key.id }, stranger);
    assert.equal(deps.forgotten(), 1);
    const gone = { code: 'NOT_FOUND', message: `Key "${key.id}" not found` };
    await assert.rejects(getKey(deps, { keyId: key.id }), gone);
    await assert.rejects(deleteKey(deps, { keyId: key.id }, stranger), gone);
    await assert.rejects(updateKey(deps, { keyId: key.id, paths: undefined, description: '' }, stranger), gone);

    await deleteServiceAccount(deps, { serviceAccountId }, caller);
    await assert.rejects(getKey(deps, { keyId: other.id }), { code: 'NOT_FOUND' });
    await assert.rejects(createKey(deps, wanted, stranger), { code: 'NOT_FOUND' });
    await assert.rejects(listKeys(deps, { serviceAccountId, ...page }), { code: 'NOT_FOUND' });
  });

  test('an account has a hundred keys at most, also when they are asked for all at once', async (t) => {
    const deps = await openPlaces(t, open);
    const serviceAccountId = await addAccount(deps.db, 'ci');
    const wanted = { serviceAccountId, description: '', algorithm: 'RSA_2048' } as const;
    const row = { service_account_id: serviceAccountId, algorithm: 'RSA_2048', public_key_pem: '', created_at: 1 };
    const rows = Array.from({ length: 98 }, (_, index) => ({ ...row, id: `ajekey${index}` }));
    await deps.db.transact((tx) => tx.insertInto('service_account_keys').values(rows).execute());
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => createKey(deps, wanted, stranger)));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    assert.deepEqual(refused, ['RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED']);
  });

  test('nobody becomes the administrator, and nobody takes it away', async (t) => {
    const deps = await openPlaces(t, open);
    const { administratorId: serviceAccountId, adminKeyId } = administrator;
    const denied = {
      code: 'PERMISSION_DENIED',
      message: `Permission denied to iam.serviceAccount ${serviceAccountId}`,
    };
    const wanted = { serviceAccountId, description: '', algorithm: 'RSA_2048' } as const;
    await assert.rejects(createKey(deps, wanted, stranger), denied);
    const { key } = await createKey(deps, wanted, caller);
    await assert.rejects(deleteKey(deps, { keyId: key.id }, stranger), denied);
    await deleteKey(deps, { keyId: key.id }, caller);
    const precondition = { code: 'FAILED_PRECONDITION' };
    await assert.rejects(deleteKey(deps, { keyId: adminKeyId }, caller), precondition);
    await assert.rejects(deleteServiceAccount(deps, { serviceAccountId }, caller), precondition);
    await getKey(deps, { keyId: adminKeyId });
  });

  test('the roles of an account go with it', async (t) => {
    const deps = await openPlaces(t, open);
    const id = await addAccount(deps.db, 'ci');
    const binding = { roleId: 'viewer', subject: { type: 'serviceAccount', id } } as const;
    await deps.db.transact((tx) => insertAccessBinding(tx, 'a', binding));
    await deleteServiceAccount(deps, { serviceAccountId: id }, caller);
    assert.deepEqual(await deps.db.read.selectFrom('access_bindings').selectAll().execute(), []);
  });
});

test('makes RSA keys of the length that was asked for, in the forms that SDKs read', async () => {
  const { publicKeyPem, privateKeyPem } = await new KeyPairs().generate('RSA_2048', 'cloud');
  assert.match(privateKeyPem, /^-----BEGIN PRIVATE KEY-----\n/);
  assert.match(publicKeyPem, /^-----BEGIN PUBLIC KEY-----\n/);
  const details = createPrivateKey(privateKeyPem).asymmetricKeyDetails;
  assert.equal(details?.modulusLength, 2048);
  assert.ok(createPublicKey(privateKeyPem).equals(createPublicKey(publicKeyPem)));
});

test('a cloud that wants many keys at once holds up another cloud’s by one, and is refused at some number', async () => {
  const pairs = new KeyPairs();
  const ended: string[] = [];
  const generate = async (cloudId: string) => {
    await pairs.generate('RSA_2048', cloudId);
    ended.push(cloudId);
  };
  const many = Array.from({ length: 20 }, () => generate('many'));
  await assert.rejects(generate('many'), { code: 'RESOURCE_EXHAUSTED' });
  await generate('other');
  assert.deepEqual(ended, ['many', 'other']);
  await Promise.all(many);
  await generate('many');
});
