import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { folderId, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import { findAccessKeyOwner } from '../access/access-key-rows.ts';
import { accessKeySecret } from '../access/access-key-secret.ts';
import type { Caller } from '../access/caller.ts';
import { createTokenKeyPem, readTokenKey } from '../access/token-key.ts';
import { accessKeyFromJson, accessKeyToJson } from './access-key-json.ts';
import { createAccessKey } from './create-access-key.ts';
import { createServiceAccount } from './create-service-account.ts';
import { deleteAccessKey } from './delete-access-key.ts';
import { deleteServiceAccount } from './delete-service-account.ts';
import { getAccessKey } from './get-access-key.ts';
import { listAccessKeyOperations } from './list-access-key-operations.ts';
import { listAccessKeys } from './list-access-keys.ts';
import { updateAccessKey } from './update-access-key.ts';

const administrator = { administratorId: 'ajeadmin', adminKeyId: 'ajeadminkey' };
const caller: Caller = {
  subjectId: 'ajestranger',
  requestId: 'request',
  idempotencyKey: undefined,
  requestHash: '',
  method: 'test',
};
const tokenKey = readTokenKey(createTokenKeyPem());
const page = { pageSize: 0, pageToken: '' };

eachDatabase(({ open }) => {
  test('makes access keys, whose secrets are in no table, lists, describes and deletes them', async (t) => {
    const db = await openImageDatabase(t, open);
    const deps = { db, administrator, tokenKey, liveTokens: { forget() {} } };
    const account = { folderId, name: 'ci', description: '', labels: {} };
    const { resourceId: serviceAccountId } = await createServiceAccount(deps, account, caller);
    const wanted = { serviceAccountId, description: 'of the CI' };
    const { accessKey, secret } = await createAccessKey(deps, wanted, caller);
    const { accessKey: other, secret: otherSecret } = await createAccessKey(deps, wanted, caller);
    assert.match(accessKey.keyId, /^YCAJE[\w-]{20}$/);
    assert.match(secret, /^[\w-]{40}$/);
    assert.notEqual(secret, otherSecret);
    assert.equal(secret, accessKeySecret(tokenKey, accessKey.keyId));
    assert.deepEqual({ ...accessKey, ...wanted, folderId }, accessKey);
    assert.deepEqual(accessKeyFromJson(accessKeyToJson(accessKey)), accessKey);
    assert.deepEqual(await findAccessKeyOwner(db.read, accessKey.keyId), { serviceAccountId, folderId });
    const rows = await db.read.selectFrom('access_keys').selectAll().execute();
    assert.doesNotMatch(JSON.stringify(rows), new RegExp(secret));

    const first = await listAccessKeys(deps, { serviceAccountId, pageSize: 1, pageToken: '' });
    const second = await listAccessKeys(deps, { serviceAccountId, pageSize: 1, pageToken: first.nextPageToken });
    const ids = [...first.accessKeys, ...second.accessKeys].map(({ id }) => id);
    assert.deepEqual([ids.sort(), second.nextPageToken], [[accessKey.id, other.id].sort(), '']);

    const accessKeyId = accessKey.id;
    await updateAccessKey(deps, { accessKeyId, paths: ['description'], description: 'new' }, caller);
    assert.deepEqual(await getAccessKey(deps, { accessKeyId }), { ...accessKey, description: 'new' });
    await assert.rejects(updateAccessKey(deps, { accessKeyId, paths: ['key_id'], description: '' }, caller), {
      code: 'INVALID_ARGUMENT',
    });
    const { operations } = await listAccessKeyOperations(deps, { accessKeyId, ...page });
    assert.deepEqual(
      operations.map(({ kind }) => kind),
      ['accessKey.update'],
    );
    await deleteAccessKey(deps, { accessKeyId }, caller);
    assert.equal(await findAccessKeyOwner(db.read, accessKey.keyId), undefined);
    const gone = { code: 'NOT_FOUND', message: `Access key "${accessKeyId}" not found` };
    await assert.rejects(getAccessKey(deps, { accessKeyId }), gone);
    await assert.rejects(deleteAccessKey(deps, { accessKeyId }, caller), gone);
    await assert.rejects(updateAccessKey(deps, { accessKeyId, paths: undefined, description: '' }, caller), gone);

    await deleteServiceAccount(deps, { serviceAccountId }, caller);
    assert.equal(await findAccessKeyOwner(db.read, other.keyId), undefined);
    await assert.rejects(createAccessKey(deps, wanted, caller), { code: 'NOT_FOUND' });
  });

  test('nobody makes or deletes an access key of the administrator’s but he', async (t) => {
    const db = await openImageDatabase(t, open);
    const { administratorId: serviceAccountId } = administrator;
    const row = { id: serviceAccountId, folder_id: folderId, name: 'admin', created_at: 1 };
    await db.transact((tx) => tx.insertInto('service_accounts').values(row).execute());
    const deps = { db, administrator, tokenKey };
    const denied = { code: 'PERMISSION_DENIED' };
    const wanted = { serviceAccountId, description: '' };
    await assert.rejects(createAccessKey(deps, wanted, caller), denied);
    const { accessKey } = await createAccessKey(deps, wanted, { subjectId: serviceAccountId });
    await assert.rejects(deleteAccessKey(deps, { accessKeyId: accessKey.id }, caller), denied);
  });
});
