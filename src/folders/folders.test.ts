import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import { deleteAccessBindingsOf } from '../access/access-binding-rows.ts';
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

const page = { pageSize: 0, pageToken: '', filter: '' };

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
      const listed = await listFolders({ db }, { cloudId: 'b1gone', pageSize: 2, pageToken, filter: '' });
      names.push(...listed.folders.map(({ name }) => name));
      pageToken = listed.nextPageToken;
      if (pageToken !== '') {
        const elsewhere = listFolders({ db }, { ...page, cloudId: 'b1gtwo', pageToken });
        await assert.rejects(elsewhere, { code: 'INVALID_ARGUMENT' });
      }
    } while (pageToken !== '');
    assert.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
    await assert.rejects(listFolders({ db }, { ...page, cloudId: 'x' }), { code: 'NOT_FOUND' });
  });

  test('lists the clouds', async (t) => {
    const db = await openDatabase(t, open);
    const { clouds, nextPageToken } = await listClouds({ db }, { ...page, pageSize: 1 });
    assert.deepEqual(
      clouds.map(({ name }) => name),
      ['one'],
    );
    const rest = await listClouds({ db }, { ...page, pageToken: nextPageToken });
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
    assert.equal((await listClouds({ db }, page)).clouds.length, 2);
    const bindings = await db.read.selectFrom('access_bindings').selectAll().orderBy('role_id').execute();
    const everybody = {
      resource_id: standardImagesFolderId,
      subject_type: 'system',
      subject_id: 'allAuthenticatedUsers',
    };
    const expected = ['compute.images.user', 'viewer'].map((role_id) => ({ ...everybody, role_id }));
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

  test('filters by name, and by nothing else', async (t) => {
    const db = await openDatabase(t, open);
    const list = async (filter: string) => {
      const { folders } = await listFolders({ db }, { ...page, cloudId: 'b1gone', filter });
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
