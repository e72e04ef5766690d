import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import { deleteAccessBindingsOf, insertAccessBinding } from '../access/access-binding-rows.ts';
import { RoleCache } from '../access/role-cache.ts';
import type { RoleId } from '../access/roles.ts';
import type { Subject } from '../access/subject.ts';
import type { Database } from '../db/database.ts';
import { getCloud } from './get-cloud.ts';
import { getFolder } from './get-folder.ts';
import { listClouds } from './list-clouds.ts';
import { listFolders } from './list-folders.ts';
import { ensureStandardImages, standardImagesCloudId, standardImagesFolderId } from './standard-images.ts';

/** Two clouds, `one` with the folders a to e and `two` with f. */
async function openDatabase(t: TestContext, open: OpenTestDatabase): Promise<Database> {
  const db = await open(t);
  const common = { description: 'about', labels: '{"a":"b"}', created_at: 1 };
  const clouds = ['one', 'two'].map((name) => ({ ...common, id: `b1g${name}`, name, organization_id: '' }));
  const folders = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({
    ...common,
    id: `b1g${name}`,
    cloud_id: name === 'f' ? 'b1gtwo' : 'b1gone',
    name,
    status: 'ACTIVE' as const,
  }));
  await db.transact(async (tx) => {
    await tx.insertInto('clouds').values(clouds).execute();
    await tx.insertInto('folders').values(folders).execute();
  });
  return db;
}

const page = { pageSize: 0, pageToken: '', filter: '', organizationId: '' };
const administrator: Subject = { id: 'ajeadmin000000000000', kind: 'serviceAccount' };
const accessTo = (db: Database) => ({ db, administratorId: administrator.id, roles: new RoleCache() });

eachDatabase(({ open }) => {
  test('gets a folder and a cloud, and says which is not there', async (t) => {
    const db = await openDatabase(t, open);
    const common = { description: 'about', labels: { a: 'b' }, createdAt: new Date(1) };
    assert.deepEqual(await getFolder({ db }, { folderId: 'b1ga' }), {
      ...common,
      id: 'b1ga',
      cloudId: 'b1gone',
      name: 'a',
      status: 'ACTIVE',
    });
    const cloud = { ...common, id: 'b1gone', name: 'one', organizationId: '' };
    assert.deepEqual(await getCloud({ db }, { cloudId: 'b1gone' }), cloud);
    await assert.rejects(getFolder({ db }, { folderId: 'x' }), { code: 'NOT_FOUND', message: 'Folder "x" not found' });
    await assert.rejects(getCloud({ db }, { cloudId: 'x' }), { code: 'NOT_FOUND', message: 'Cloud "x" not found' });
  });

  test('lists the folders of a cloud page by page', async (t) => {
    const db = await openDatabase(t, open);
    const names: string[] = [];
    let pageToken = '';
    do {
      const listed = await listFolders(
        accessTo(db),
        { cloudId: 'b1gone', pageSize: 2, pageToken, filter: '' },
        administrator,
      );
      names.push(...listed.folders.map(({ name }) => name));
      pageToken = listed.nextPageToken;
      if (pageToken !== '') {
        const elsewhere = listFolders(accessTo(db), { ...page, cloudId: 'b1gtwo', pageToken }, administrator);
        await assert.rejects(elsewhere, { code: 'INVALID_ARGUMENT' });
      }
    } while (pageToken !== '');
    assert.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
    await assert.rejects(listFolders(accessTo(db), { ...page, cloudId: 'x' }, administrator), { code: 'NOT_FOUND' });
  });

  test('lists the clouds', async (t) => {
    const db = await openDatabase(t, open);
    const { clouds, nextPageToken } = await listClouds({ db }, { ...page, pageSize: 1 }, undefined);
    assert.deepEqual(
      clouds.map(({ name }) => name),
      ['one'],
    );
    const rest = await listClouds({ db }, { ...page, pageToken: nextPageToken }, undefined);
    assert.deepEqual(
      rest.clouds.map(({ name }) => name),
      ['two'],
    );
  });

  test('the folder of standard images is there after every start, and in no list of clouds', async (t) => {
    const db = await openDatabase(t, open);
    const starts = Array.from({ length: 3 }, () => db.transact((tx) => ensureStandardImages(tx, new Date(5))));
    await Promise.all(starts);
    await db.transact((tx) => ensureStandardImages(tx, new Date(6)));
    const folder = await getFolder({ db }, { folderId: standardImagesFolderId });
    assert.deepEqual([folder.cloudId, folder.status], [standardImagesCloudId, 'ACTIVE']);
    assert.deepEqual(folder.createdAt, new Date(5));
    assert.equal((await getCloud({ db }, { cloudId: standardImagesCloudId })).name, 'standard-images');
    assert.equal((await listClouds({ db }, page, undefined)).clouds.length, 2);
    const bindings = await db.read.selectFrom('access_bindings').selectAll().orderBy('role_id').execute();
    const everybody = {
      resource_id: standardImagesFolderId,
      subject_type: 'system',
      subject_id: 'allAuthenticatedUsers',
    };
    const expected = ['compute.images.user', 'resource-manager.viewer'].map((role_id) => ({ ...everybody, role_id }));
    assert.deepEqual(bindings, expected);
  });

  test('roles on standard images that were taken back stay so', async (t) => {
    const db = await openDatabase(t, open);
    await db.transact(async (tx) => {
      await ensureStandardImages(tx, new Date(5));
      await deleteAccessBindingsOf(tx, standardImagesFolderId);
      await ensureStandardImages(tx, new Date(6));
    });
    assert.deepEqual(await db.read.selectFrom('access_bindings').selectAll().execute(), []);
  });

  test('lists what a subject may see, by a role on the cloud or on some of its folders', async (t) => {
    const db = await openDatabase(t, open);
    const access = accessTo(db);
    const someone: Subject = { id: 'ajesomeone0000000000', kind: 'userAccount' };
    const bind = (resourceId: string, roleId: RoleId) =>
      db.transact((tx) =>
        insertAccessBinding(tx, resourceId, { roleId, subject: { type: someone.kind, id: someone.id } }),
      );
    const folders = async (cloudId: string) =>
      (await listFolders(access, { ...page, cloudId }, someone)).folders.map(({ name }) => name);
    const clouds = async () => (await listClouds({ db }, page, someone)).clouds.map(({ name }) => name);
    for (const cloudId of ['b1gone', 'b1gmadeup']) {
      const message = `Permission denied to resource-manager.cloud ${cloudId}`;
      await assert.rejects(folders(cloudId), { code: 'PERMISSION_DENIED', message });
    }
    assert.deepEqual(await clouds(), []);
    await bind('b1gc', 'viewer');
    await bind('b1gd', 'compute.images.user');
    assert.deepEqual(await folders('b1gone'), ['c']);
    const filtered = await listFolders(access, { ...page, cloudId: 'b1gone', filter: 'name = a' }, someone);
    assert.deepEqual(filtered.folders, []);
    await bind('b1gone', 'resource-manager.clouds.member');
    assert.deepEqual(await clouds(), ['one']);
    assert.deepEqual(await folders('b1gone'), ['c']);
    await bind('b1gtwo', 'resource-manager.clouds.member');
    assert.deepEqual(await folders('b1gtwo'), []);
    await bind('b1gone', 'resource-manager.viewer');
    assert.deepEqual(await folders('b1gone'), ['a', 'b', 'c', 'd', 'e']);
  });

  test('a cloud that is open to everybody is in nobody’s list', async (t) => {
    const db = await openDatabase(t, open);
    const someone: Subject = { id: 'ajesomeone0000000000', kind: 'serviceAccount' };
    const everybody = { type: 'system', id: 'allAuthenticatedUsers' } as const;
    await db.transact((tx) => insertAccessBinding(tx, 'b1gtwo', { roleId: 'editor', subject: everybody }));
    assert.deepEqual((await listClouds({ db }, page, someone)).clouds, []);
    const { folders } = await listFolders(accessTo(db), { ...page, cloudId: 'b1gtwo' }, someone);
    assert.equal(folders.length, 1, 'but who names it sees it');
  });

  test('filters by name, and by nothing else', async (t) => {
    const db = await openDatabase(t, open);
    const list = async (filter: string) => {
      const { folders } = await listFolders(accessTo(db), { ...page, cloudId: 'b1gone', filter }, administrator);
      return folders.map(({ name }) => name);
    };
    assert.deepEqual(await list('name = "b"'), ['b']);
    assert.deepEqual(await list('name IN (a, b, f) AND name IN (b, f)'), ['b']);
    assert.deepEqual(await list('name = a AND name = b'), []);
    for (const filter of ['id = b1ga', 'name != a', 'name', 'labels.a = b', 'name.x = a']) {
      await assert.rejects(list(filter), { code: 'INVALID_ARGUMENT', message: /filter: at position \d+/ });
    }
  });
});
