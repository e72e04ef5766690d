import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import { caller, createRequest, folderId, insertFolder, makeImage } from '../../test/fixtures/image-fixture.ts';
import { untouchedContents } from '../../test/fixtures/untouched-disks.ts';
import { type AccessBinding, maxBindings } from '../access/access-binding.ts';
import { deleteAccessBindingsTo, insertAccessBinding, listAccessBindingRows } from '../access/access-binding-rows.ts';
import { listAccessBindings } from '../access/list-access-bindings.ts';
import { RoleCache } from '../access/role-cache.ts';
import type { Database } from '../db/database.ts';
import { lockFolder } from '../folders/folder-rows.ts';
import { createImage } from '../images/create-image.ts';
import { deleteImage } from '../images/delete-image.ts';
import { insertImage, lockImage } from '../images/image-rows.ts';
import { type ChangeBindingsDeps, setAccessBindings, updateAccessBindings } from './change-access-bindings.ts';
import { createCloud } from './create-cloud.ts';
import { createFolder } from './create-folder.ts';
import { deleteCloud } from './delete-cloud.ts';
import { deleteFolder } from './delete-folder.ts';
import { listFolderOperations } from './list-folder-operations.ts';
import { updateFolder } from './update-folder.ts';

const nothing = async () => undefined;
const holdThing: ChangeBindingsDeps['holdThing'] = {
  Image: lockImage,
  Disk: nothing,
  Snapshot: nothing,
  Folder: async (tx, id) => ((await lockFolder(tx, id)) === undefined ? undefined : { folderId: id }),
  Cloud: nothing,
};

const folder = { noun: 'Folder', id: folderId } as const;
const viewer = (at: number, tail = ''): AccessBinding => ({
  roleId: 'viewer',
  subject: { type: 'userAccount', id: `user${at}${tail}` },
});

async function openWorld(t: TestContext, open: OpenTestDatabase): Promise<ChangeBindingsDeps> {
  const db = await open(t);
  await insertFolder(db);
  return { db, roles: new RoleCache(), holdThing };
}

function listed(db: Database, resourceId = folderId): Promise<AccessBinding[]> {
  return listAccessBindingRows(db.read, resourceId);
}

eachDatabase(({ open, create }) => {
  test('the operation names the image that it is on', async (t) => {
    const deps = await openWorld(t, open);
    const image = makeImage({ name: 'debian' });
    await deps.db.transact((tx) => insertImage(tx, image));
    const { resourceName, folderId: inFolder } = await setAccessBindings(
      deps,
      { noun: 'Image', id: image.id },
      [],
      caller,
    );
    assert.deepEqual([resourceName, inFolder], ['debian', folderId]);
    assert.equal((await setAccessBindings(deps, folder, [], caller)).resourceName, '');
  });

  test('changes from several processes at the same moment all count', async () => {
    await using database = await create();
    await using one = await database.open();
    await using two = await database.open();
    await insertFolder(one);
    const processes = [one, two].map((db) => ({ db, roles: new RoleCache(), holdThing }));
    const changes = processes.flatMap((deps, process) =>
      Array.from({ length: 8 }, (_, at) =>
        updateAccessBindings(deps, folder, [{ action: 'ADD', binding: viewer(process * 8 + at) }], caller),
      ),
    );
    await Promise.all(changes);
    assert.equal((await listed(one)).length, 16);
  });

  test('a resource has so many bindings and no more', async (t) => {
    const deps = await openWorld(t, open);
    const full = Array.from({ length: maxBindings }, (_, at) => viewer(at));
    await setAccessBindings(deps, folder, full, caller);
    const more = { action: 'ADD', binding: viewer(maxBindings) } as const;
    await assert.rejects(updateAccessBindings(deps, folder, [more], caller), { code: 'RESOURCE_EXHAUSTED' });
    assert.equal((await listed(deps.db)).length, maxBindings);
    await updateAccessBindings(deps, folder, [more, { action: 'REMOVE', binding: viewer(0) }], caller);
    assert.equal((await listed(deps.db)).length, maxBindings);

    const seen = new Set<string>();
    let pageToken = '';
    do {
      const page = await listAccessBindings(deps, { resourceId: folderId, pageSize: 300, pageToken });
      for (const { subject } of page.items) seen.add(subject.id);
      pageToken = page.nextPageToken;
      assert.ok(pageToken.length <= 100);
    } while (pageToken !== '');
    assert.equal(seen.size, maxBindings);
    const foreign = listAccessBindings(deps, { resourceId: 'another', pageSize: 1, pageToken: 'x' });
    await assert.rejects(foreign, { code: 'INVALID_ARGUMENT' });
  });

  test('a page of large operations is cut where it is large enough', async (t) => {
    const deps = await openWorld(t, open);
    const full = Array.from({ length: maxBindings }, (_, at) => viewer(at, 'x'.repeat(90)));
    for (let round = 0; round < 8; round += 1)
      await setAccessBindings(deps, folder, round % 2 === 0 ? full : [], caller);
    const sizes: number[] = [];
    let pageToken = '';
    do {
      const page = await listFolderOperations(deps, { folderId, pageSize: 1000, pageToken });
      sizes.push(page.operations.length);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    assert.deepEqual([sizes.length > 1, sizes.reduce((sum, size) => sum + size)], [true, 8]);
  });

  test('bindings go with what they are on, and with whom they are to', async (t) => {
    const deps = await openWorld(t, open);
    const image = makeImage({ volumeId: undefined });
    await deps.db.transact((tx) => insertImage(tx, image));
    await setAccessBindings(deps, { noun: 'Image', id: image.id }, [viewer(1)], caller);
    assert.equal((await listed(deps.db, image.id)).length, 1);
    await deleteImage({ db: deps.db, kinds: new Map(), runner: { abort() {} } }, { imageId: image.id }, caller);
    assert.deepEqual(await listed(deps.db, image.id), []);
    const account = { type: 'userAccount', id: 'user1' } as const;
    await setAccessBindings(deps, folder, [viewer(1), viewer(2)], caller);
    await deps.db.transact((tx) => deleteAccessBindingsTo(tx, account));
    assert.deepEqual(await listed(deps.db), [viewer(2)]);
    const gone = setAccessBindings(deps, { noun: 'Image', id: image.id }, [viewer(1)], caller);
    await assert.rejects(gone, { code: 'NOT_FOUND' });

    await setAccessBindings(deps, folder, [viewer(1)], caller);
    await deleteFolder(deps, { folderId }, caller);
    assert.deepEqual(await listed(deps.db), []);
  });

  test('what is kept of bindings that only a later version knows stays as it is, and is not shown', async (t) => {
    const deps = await openWorld(t, open);
    const row = { resource_id: folderId, role_id: 'boss', subject_type: 'userAccount', subject_id: 'a' } as const;
    await deps.db.transact((tx) => tx.insertInto('access_bindings').values(row).execute());
    await deps.db.transact((tx) => insertAccessBinding(tx, folderId, viewer(1)));
    assert.deepEqual(await listed(deps.db), [viewer(1)]);
  });

  test('a folder is never deleted from around an image that is being made', async () => {
    await using database = await create();
    await using one = await database.open();
    await using two = await database.open();
    await insertFolder(one);
    const roles = new RoleCache();
    for (let round = 0; round < 5; round += 1) {
      const made = await createFolder(
        { db: one },
        { cloudId: 'cloud', name: `f${round}`, description: '', labels: {} },
        caller,
      );
      const id = made.resourceId;
      const deps = { db: two, contents: untouchedContents, runner: { wake() {} }, checkUri: () => undefined };
      const [image, deleted] = await Promise.allSettled([
        createImage(deps, createRequest({ folderId: id }), caller),
        deleteFolder({ db: one, roles }, { folderId: id }, caller),
      ]);
      assert.notEqual(image.status, deleted.status);
      if (image.status === 'rejected') assert.equal(image.reason.code, 'NOT_FOUND');
      if (deleted.status === 'rejected') assert.equal(deleted.reason.code, 'FAILED_PRECONDITION');
      const rows = await one.read.selectFrom('images').select('id').where('folder_id', '=', id).execute();
      assert.equal(rows.length, image.status === 'fulfilled' ? 1 : 0);
    }
  });

  test('clouds and folders have names of their own, and are deleted when they are empty', async (t) => {
    const { db, roles } = await openWorld(t, open);
    const owner = { id: 'ajeowner', kind: 'serviceAccount' } as const;
    const request = { name: 'work', description: '', labels: {}, organizationId: '' };
    const cloudId = (await createCloud({ db }, request, caller, owner)).resourceId;
    assert.deepEqual(await listed(db, cloudId), [
      { roleId: 'resource-manager.clouds.owner', subject: { type: 'serviceAccount', id: 'ajeowner' } },
    ]);
    await assert.rejects(createCloud({ db }, request, caller, owner), { code: 'ALREADY_EXISTS' });
    const fields = { description: '', labels: {} };
    const twins = await Promise.allSettled(
      [1, 2].map(() => createFolder({ db }, { cloudId, name: 'twin', ...fields }, caller)),
    );
    assert.deepEqual(twins.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const made = twins.find((twin) => twin.status === 'fulfilled');
    assert.ok(made);
    const id = made.value.resourceId;
    await createFolder({ db }, { cloudId, name: 'other', ...fields }, caller);
    const taken = updateFolder({ db }, { folderId: id, paths: ['name'], name: 'other', ...fields }, caller);
    await assert.rejects(taken, { code: 'ALREADY_EXISTS' });
    const missing = createFolder({ db }, { cloudId: 'b1gmadeup', name: 'a', ...fields }, caller);
    await assert.rejects(missing, { code: 'NOT_FOUND', message: 'Cloud "b1gmadeup" not found' });
    await assert.rejects(deleteCloud({ db, roles }, { cloudId }, caller), { code: 'FAILED_PRECONDITION' });
  });
});
