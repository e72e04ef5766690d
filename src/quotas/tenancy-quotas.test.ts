import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { addDisk } from '../../test/fixtures/disk-fixture.ts';
import { caller, folderId, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import { enterTestNode } from '../../test/fixtures/node-fixture.ts';
import { RoleCache } from '../access/role-cache.ts';
import { createTokenKeyPem, readTokenKey } from '../access/token-key.ts';
import { createAccessKey } from '../accounts/create-access-key.ts';
import { createKey } from '../accounts/create-key.ts';
import { createServiceAccount } from '../accounts/create-service-account.ts';
import { deleteServiceAccount } from '../accounts/delete-service-account.ts';
import { deleteAttachmentRow } from '../attachments/attachment-rows.ts';
import { createAttachment } from '../attachments/create-attachment.ts';
import type { Database } from '../db/database.ts';
import { ServiceError } from '../errors.ts';
import { createFolder } from '../resource-manager/create-folder.ts';
import { deleteFolder } from '../resource-manager/delete-folder.ts';
import { listQuotas } from './list-quotas.ts';
import type { QuotaName } from './quota.ts';
import { findMiscounted } from './quota-rows.ts';
import { setQuota } from './set-quota.ts';

const administrator = { administratorId: 'ajeadmin', adminKeyId: 'ajeadminkey' };
const liveTokens = { forget() {} };
/** Real ones take a second each. */
const keyPairs = { generate: async () => ({ publicKeyPem: 'public', privateKeyPem: 'private' }) };

const isRefused = (words: string) => (error: unknown) =>
  error instanceof ServiceError &&
  error.code === 'RESOURCE_EXHAUSTED' &&
  error.message === `The limit on maximum number of ${words} has exceeded.`;

const limitTo = (db: Database, name: QuotaName, limit: number) => setQuota({ db }, { cloudId: 'cloud', name, limit });

async function used(db: Database): Promise<number[]> {
  const names = [
    'resource-manager.folders.count',
    'iam.serviceAccounts.count',
    'iam.authorizedKeys.count',
    'compute.attachments.count',
  ];
  const quotas = await listQuotas({ db }, { cloudId: 'cloud' });
  return names.map((name) => quotas.find((quota) => quota.name === name)?.used ?? Number.NaN);
}

eachDatabase(({ open }) => {
  test('folders are counted, refused above the limit, and given back', async (t) => {
    const db = await openImageDatabase(t, open);
    const add = (name: string) => createFolder({ db }, { cloudId: 'cloud', name, description: '', labels: {} }, caller);
    await limitTo(db, 'resource-manager.folders.count', 3);
    const { resourceId } = await add('second');
    const ends = await Promise.allSettled(['third', 'fourth', 'fifth'].map(add));
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
    await assert.rejects(add('sixth'), isRefused('folders'));
    assert.deepEqual(await used(db), [3, 0, 0, 0]);
    await deleteFolder({ db, roles: new RoleCache() }, { folderId: resourceId }, caller);
    await add('sixth');
    assert.deepEqual(await findMiscounted(db.read), []);
  });

  test('service accounts and their keys are counted in all folders of a cloud, and go together', async (t) => {
    const db = await openImageDatabase(t, open);
    const deps = { db, administrator, liveTokens, keyPairs, tokenKey: readTokenKey(createTokenKeyPem()) };
    const { resourceId: other } = await createFolder(
      { db },
      { cloudId: 'cloud', name: 'other', description: '', labels: {} },
      caller,
    );
    const add = async (name: string, folder = folderId) =>
      (await createServiceAccount(deps, { folderId: folder, name, description: '', labels: {} }, caller)).resourceId;
    const addKey = (serviceAccountId: string) =>
      createKey(deps, { serviceAccountId, description: '', algorithm: 'RSA_2048' }, caller);
    await limitTo(db, 'iam.serviceAccounts.count', 2);
    await limitTo(db, 'iam.authorizedKeys.count', 3);
    const [one, two] = [await add('one'), await add('two', other)];
    await assert.rejects(add('three'), isRefused('service accounts'));
    for (const id of [one, one, two]) await addKey(id);
    await assert.rejects(addKey(two), isRefused('authorized keys'));
    await limitTo(db, 'iam.accessKeys.count', 1);
    const addAccessKey = () => createAccessKey(deps, { serviceAccountId: one, description: '' }, caller);
    await addAccessKey();
    await assert.rejects(addAccessKey(), isRefused('access keys'));
    assert.deepEqual(await used(db), [2, 2, 3, 0]);
    await deleteServiceAccount(deps, { serviceAccountId: one }, caller);
    assert.deepEqual(await used(db), [2, 1, 1, 0]);
    await addKey(await add('three'));
    assert.deepEqual(await findMiscounted(db.read), []);
  });

  test('attachments are counted, and a refused one leaves nothing', async (t) => {
    const db = await openImageDatabase(t, open);
    const disk = await addDisk(db, { sizeBytes: 1024 * 1024, base: undefined });
    const resource = { kind: 'disk', id: disk.id } as const;
    const node = await enterTestNode(db);
    const attach = () => createAttachment(node, { resource, mode: 'read-only', ttlMs: 60_000 }, caller);
    await limitTo(db, 'compute.attachments.count', 1);
    const { attachment } = await attach();
    await assert.rejects(attach(), isRefused('attachments'));
    assert.deepEqual(await used(db), [1, 0, 0, 1]);
    await db.transact((tx) => deleteAttachmentRow(tx, attachment.id));
    await attach();
    assert.deepEqual(await findMiscounted(db.read), []);
  });
});
