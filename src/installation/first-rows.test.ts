import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { ensureAuthorizedKey, ensureFirstResources } from './first-rows.ts';

eachDatabase(({ open }) => {
  test('makes one cloud, one folder and one service account, however often it is asked to', async () => {
    await using db = await open();
    const first = await db.transact((tx) => ensureFirstResources(tx, new Date()));
    const again = await db.transact((tx) => ensureFirstResources(tx, new Date()));
    assert.deepEqual(again, first);
    const folders = await db.read.selectFrom('folders').select(['id', 'cloud_id', 'name', 'status']).execute();
    assert.deepEqual(folders, [{ id: first.folderId, cloud_id: first.cloudId, name: 'default', status: 'ACTIVE' }]);
    const accounts = await db.read.selectFrom('service_accounts').select(['id', 'name']).execute();
    assert.deepEqual(accounts, [{ id: first.administratorId, name: 'admin' }]);
  });

  test('makes them once also for several who start at the same moment', async () => {
    await using db = await open();
    const starts = Array.from({ length: 5 }, () => db.transact((tx) => ensureFirstResources(tx, new Date())));
    const [first, ...others] = await Promise.all(starts);
    for (const other of others) assert.deepEqual(other, first);
  });

  test('makes nothing when the transaction fails', async () => {
    await using db = await open();
    const failing = db.transact(async (tx) => {
      await ensureFirstResources(tx, new Date());
      throw new Error('cut off');
    });
    await assert.rejects(failing, /cut off/);
    assert.deepEqual(await db.read.selectFrom('clouds').selectAll().execute(), []);
  });

  test('knows a key once', async () => {
    await using db = await open();
    await db.transact(async (tx) => {
      const { administratorId: serviceAccountId } = await ensureFirstResources(tx, new Date());
      const key = { id: 'aje1', serviceAccountId, publicKeyPem: 'pem', createdAt: new Date(5) };
      await ensureAuthorizedKey(tx, key);
      await ensureAuthorizedKey(tx, { ...key, publicKeyPem: 'other' });
    });
    const keys = await db.read.selectFrom('service_account_keys').select(['id', 'public_key_pem']).execute();
    assert.deepEqual(keys, [{ id: 'aje1', public_key_pem: 'pem' }]);
  });
});
