import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Door, DoorError, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { bind, createAccount, createFolder, createTenant } from '../fixtures/tenant.ts';

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let grpc: Door;
let rest: Door;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
  grpc = opened.use(openGrpcDoor(obraz));
  rest = opened.use(openRestDoor(obraz));
});
after(() => opened.disposeAsync());

/** The administrator's image in a folder. */
async function createImage(door: Door, folderId: string, family = ''): Promise<string> {
  const uri = files.put('image.raw', noise(4096, 7));
  const { body } = await door.call('ImageService.Create', { folderId, uri, family });
  return (await untilDone(door, body.id)).response.id;
}

const refused = (code: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DoorError);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};
const denied = (message: RegExp) => refused(7, message);

for (const [index, name] of ['gRPC', 'REST'].entries()) {
  describe(`access through ${name}`, () => {
    const door = () => (index === 0 ? grpc : rest);

    test('bindings are set, updated and listed, with what has changed', async () => {
      const tenant = await createTenant(door(), `bindings-${index}`);
      const imageId = await createImage(door(), tenant.folderId);
      const { folderId } = tenant;
      const blank = { folderId, zoneId: 'ru-central1-a', size: 4 * 1024 ** 2 };
      const diskId = (await door().call('DiskService.Create', blank)).body.response.id;
      const snapshot = await door().call('SnapshotService.Create', { folderId, diskId });
      const things = [
        ['Image', imageId],
        ['Disk', diskId],
        ['Snapshot', (await untilDone(door(), snapshot.body.id)).response.id],
        ['Folder', tenant.folderId],
        ['Cloud', tenant.cloudId],
      ] as const;
      const viewer = { roleId: 'viewer', subject: { type: 'system', id: 'allAuthenticatedUsers' } };
      const editor = { roleId: 'editor', subject: { type: 'userAccount', id: 'ajeuser' } };
      const admin = { roleId: 'admin', subject: { type: 'serviceAccount', id: tenant.id } };
      for (const [noun, resourceId] of things) {
        const set = await door().call(`${noun}Service.SetAccessBindings`, {
          resourceId,
          accessBindings: [admin, viewer, viewer],
        });
        assert.equal(set.body.metadata['@type'], 'type.googleapis.com/yandex.cloud.access.SetAccessBindingsMetadata');
        assert.equal(set.body.metadata.resourceId, resourceId);
        const type = 'type.googleapis.com/yandex.cloud.access.AccessBindingsOperationResult';
        assert.equal(set.body.response['@type'], type);

        const update = await door().call(`${noun}Service.UpdateAccessBindings`, {
          resourceId,
          accessBindingDeltas: [
            { action: 'ADD', accessBinding: viewer },
            { action: 'ADD', accessBinding: editor },
            { action: 'REMOVE', accessBinding: viewer },
            { action: 'REMOVE', accessBinding: viewer },
          ],
        });
        assert.deepEqual(update.body.response.effectiveDeltas, [
          { action: 'ADD', accessBinding: editor },
          { action: 'REMOVE', accessBinding: viewer },
        ]);
        const listed = [];
        let pageToken = '';
        do {
          const page = await door().call(`${noun}Service.ListAccessBindings`, { resourceId, pageSize: 1, pageToken });
          listed.push(...page.body.accessBindings);
          pageToken = page.body.nextPageToken ?? '';
        } while (pageToken !== '');
        const byRole = listed.sort((one, other) => one.roleId.localeCompare(other.roleId));
        assert.deepEqual(byRole, [admin, editor]);
        const cleared = await door().call(`${noun}Service.SetAccessBindings`, { resourceId });
        assert.equal(cleared.body.response.effectiveDeltas.length, 2);
        const none = await door().call(`${noun}Service.ListAccessBindings`, { resourceId });
        assert.deepEqual(none.body.accessBindings ?? [], []);
      }
    });

    test('refuses roles and subjects that there are not', async () => {
      const { folderId: resourceId } = obraz;
      const subject = { type: 'userAccount', id: 'ajeuser' };
      const wrong = [
        [{ roleId: 'vpc.user', subject }, 'access_bindings[0].role_id'],
        [{ roleId: 'resource-manager.clouds.owner', subject }, 'access_bindings[0].role_id'],
        [{ roleId: 'viewer', subject: { type: 'group', id: 'x' } }, 'access_bindings[0].subject'],
        [{ roleId: 'viewer', subject: { type: 'system', id: 'everybody' } }, 'access_bindings[0].subject'],
        [{ roleId: 'viewer' }, 'access_bindings[0].subject'],
      ] as const;
      for (const [binding, field] of wrong) {
        const call = door().call('FolderService.SetAccessBindings', { resourceId, accessBindings: [binding] });
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof DoorError);
          assert.deepEqual([error.code, error.fields], [3, [field]]);
          return true;
        });
      }
      const missing = door().call('ImageService.SetAccessBindings', { resourceId: 'fd8madeup' });
      await assert.rejects(missing, refused(5, /Image "fd8madeup" not found/));
    });

    test('viewer looks, editor changes, admin says who may; what is taken back is gone at once', async () => {
      const { cloudId } = await createTenant(door(), `levels-${index}`);
      const folderId = await createFolder(door(), cloudId, 'work');
      const imageId = await createImage(door(), folderId, 'levels');
      const { id, token } = await createAccount(door(), folderId, 'worker');
      const as = { token };
      const get = () => door().call('ImageService.Get', { imageId }, as);
      const update = () => door().call('ImageService.Update', { imageId, updateMask: 'description' }, as);
      const share = () => door().call('ImageService.SetAccessBindings', { resourceId: imageId }, as);
      const list = () => door().call('ImageService.List', { folderId }, as);
      const family = () => door().call('ImageService.GetLatestByFamily', { folderId, family: 'levels' }, as);

      await assert.rejects(get(), refused(5, /^Image "\w+" not found$/));
      for (const call of [list, family]) {
        await assert.rejects(call(), denied(new RegExp(`^Permission denied to resource-manager.folder ${folderId}$`)));
      }
      await bind(door(), 'Folder', folderId, 'compute.viewer', id);
      assert.equal((await get()).body.id, imageId);
      assert.equal((await list()).body.images.length, 1);
      assert.equal((await family()).body.id, imageId);
      await assert.rejects(update(), denied(new RegExp(`^Permission denied to compute.image ${imageId}$`)));
      await bind(door(), 'Cloud', cloudId, 'compute.editor', id);
      await update();
      await assert.rejects(share(), denied(/compute\.image/));
      await bind(door(), 'Image', imageId, 'admin', id);
      await share();
      await assert.rejects(share(), denied(/compute\.image/));

      await bind(door(), 'Cloud', cloudId, 'compute.editor', id, 'REMOVE');
      await assert.rejects(update(), denied(/compute\.image/));
      await bind(door(), 'Folder', folderId, 'compute.viewer', id, 'REMOVE');
      await assert.rejects(get(), refused(5, /not found/));
    });

    test('what is made of something needs the right to use that', async () => {
      const tenant = await createTenant(door(), `sources-${index}`);
      const home = await createFolder(door(), tenant.cloudId, 'home');
      const worker = await createAccount(door(), home, 'worker');
      const as = { token: worker.token };
      await bind(door(), 'Folder', home, 'editor', worker.id);
      const imageId = await createImage(door(), tenant.folderId);
      const zoneId = 'ru-central1-a';
      const size = 4 * 1024 ** 2;
      const disk = await door().call('DiskService.Create', { folderId: tenant.folderId, zoneId, size });
      const diskId = disk.body.response.id;
      const snapshot = await door().call('SnapshotService.Create', { folderId: tenant.folderId, diskId });
      const snapshotId = (await untilDone(door(), snapshot.body.id)).response.id;

      const uses = {
        Image: [
          () => door().call('ImageService.Create', { folderId: home, imageId }, as),
          () => door().call('DiskService.Create', { folderId: home, zoneId, size, imageId }, as),
        ],
        Disk: [
          () => door().call('ImageService.Create', { folderId: home, diskId }, as),
          () => door().call('SnapshotService.Create', { folderId: home, diskId }, as),
        ],
        Snapshot: [
          () => door().call('ImageService.Create', { folderId: home, snapshotId }, as),
          () => door().call('DiskService.Create', { folderId: home, zoneId, size, snapshotId }, as),
        ],
      };
      const ids = { Image: imageId, Disk: diskId, Snapshot: snapshotId };
      for (const noun of ['Image', 'Disk', 'Snapshot'] as const) {
        const id = ids[noun];
        for (const use of uses[noun])
          await assert.rejects(use(), refused(9, new RegExp(`^${noun} "${id}" not found$`)));
        await bind(door(), noun, id, noun === 'Image' ? 'compute.images.user' : 'viewer', worker.id);
        for (const use of uses[noun]) await use();
      }
      await door().call('ImageService.Get', { imageId }, as);
      await assert.rejects(door().call('ImageService.List', { folderId: tenant.folderId }, as), denied(/folder/));
    });

    test('operations are seen by who may see what they are on, and by who began them', async () => {
      const tenant = await createTenant(door(), `operations-${index}`);
      const imageId = await createImage(door(), tenant.folderId);
      const worker = await createAccount(door(), tenant.folderId, 'worker');
      const as = { token: worker.token };
      const begun = await door().call('ImageService.Update', { imageId, updateMask: 'description' });
      const get = (operationId: string) => door().call('OperationService.Get', { operationId }, as);
      await assert.rejects(get(begun.body.id), refused(5, /^Operation "\w+" not found$/));
      await bind(door(), 'Image', imageId, 'editor', worker.id);
      assert.equal((await get(begun.body.id)).body.done, true);
      const own = await door().call('ImageService.Update', { imageId, updateMask: 'description' }, as);
      await bind(door(), 'Image', imageId, 'editor', worker.id, 'REMOVE');
      await assert.rejects(get(begun.body.id), refused(5, /not found/));
      assert.equal((await get(own.body.id)).body.done, true);

      const check = await door().call('StoreService.Check', {});
      await bind(door(), 'Folder', obraz.folderId, 'admin', worker.id);
      await assert.rejects(get(check.body.id), refused(5, /not found/));
      await assert.rejects(door().call('StoreService.Check', {}, as), denied(/administrator/));
      await untilDone(door(), check.body.id);
    });

    test('a Delete that is sent again finds its operation, also without the right by now', async () => {
      const tenant = await createTenant(door(), `again-${index}`);
      const imageId = await createImage(door(), tenant.folderId);
      const as = { token: tenant.token, headers: { 'idempotency-key': `again-${index}` } };
      const first = await door().call('ImageService.Delete', { imageId }, as);
      const second = await door().call('ImageService.Delete', { imageId }, as);
      assert.equal(second.body.id, first.body.id);
      await assert.rejects(
        door().call('ImageService.Delete', { imageId }, { token: tenant.token }),
        refused(5, /Image/),
      );
    });

    test('clouds and folders are made, changed and deleted, and seen by whom they are for', async () => {
      const made = await door().call('CloudService.Create', { name: `places-${index}`, labels: { a: 'b' } });
      assert.match(made.body.metadata['@type'], /CreateCloudMetadata$/);
      const cloud = made.body.response;
      assert.equal(made.body.metadata.cloudId, cloud.id);
      await assert.rejects(
        door().call('CloudService.Create', { name: `places-${index}` }),
        refused(6, /^Cloud with name/),
      );
      const { id, token } = await createAccount(door(), obraz.folderId, `places-${index}`);
      const as = { token };
      await assert.rejects(door().call('CloudService.Create', { name: 'mine' }, as), denied(/administrator/));
      await bind(door(), 'Cloud', cloud.id, 'resource-manager.clouds.owner', id);
      const clouds = await door().call('CloudService.List', {}, as);
      assert.deepEqual(
        clouds.body.clouds,
        [{ ...cloud, '@type': undefined }].map(({ '@type': _, ...rest }) => rest),
      );
      const renamed = { cloudId: cloud.id, updateMask: 'name', name: 'x' };
      await assert.rejects(door().call('CloudService.Update', renamed, as), denied(/administrator/));
      const described = { cloudId: cloud.id, updateMask: 'description', description: 'mine' };
      const update = await door().call('CloudService.Update', described, as);
      assert.equal(update.body.response.description, 'mine');

      const folder = await door().call('FolderService.Create', { cloudId: cloud.id, name: 'one' }, as);
      const folderId = folder.body.response.id;
      assert.equal(folder.body.response.status, 'ACTIVE');
      assert.equal(folder.body.metadata.folderId, folderId);
      const same = door().call('FolderService.Create', { cloudId: cloud.id, name: 'one' }, as);
      await assert.rejects(same, refused(6, /^Folder with name "one" already exists$/));
      const empty = door().call('FolderService.Update', { folderId, updateMask: 'name' }, as);
      await assert.rejects(empty, refused(3, /name/));
      const changed = await door().call('FolderService.Update', { folderId, name: 'two', labels: { c: 'd' } }, as);
      assert.deepEqual([changed.body.response.name, changed.body.response.labels], ['two', { c: 'd' }]);
      const found = await door().call('FolderService.List', { cloudId: cloud.id, filter: 'name = "two"' }, as);
      assert.equal(found.body.folders[0].id, folderId);
      const history = await door().call('FolderService.ListOperations', { folderId }, as);
      const descriptions = history.body.operations.map((one: { description: string }) => one.description);
      assert.deepEqual(descriptions, ['Update folder', 'Create folder']);

      const imageId = await createImage(door(), folderId);
      const full = /^Folder "\w+" is not empty: delete its images first$/;
      await assert.rejects(door().call('FolderService.Delete', { folderId }, as), refused(9, full));
      await assert.rejects(door().call('CloudService.Delete', { cloudId: cloud.id }, as), refused(9, /not empty/));
      await door().call('ImageService.Delete', { imageId }, as);
      const later = { folderId, ...(index === 0 ? { deleteAfter: '2030-01-02T03:04:05Z' } : {}) };
      const deleted = await door().call('FolderService.Delete', later, as);
      assert.match(deleted.body.metadata['@type'], /DeleteFolderMetadata$/);
      assert.match(deleted.body.response['@type'], /google.protobuf.Empty$/);
      await assert.rejects(door().call('FolderService.Get', { folderId }, as), refused(5, /^Folder "\w+" not found$/));
      assert.equal((await door().call('OperationService.Get', { operationId: deleted.body.id }, as)).body.done, true);
      await door().call('CloudService.Delete', { cloudId: cloud.id }, as);
      await assert.rejects(door().call('CloudService.Get', { cloudId: cloud.id }, as), refused(5, /Cloud/));
      assert.deepEqual((await door().call('CloudService.List', {}, as)).body.clouds ?? [], []);
    });

    test('changes of bindings at the same moment all count', async () => {
      const folderId = (await createTenant(door(), `at-once-${index}`)).folderId;
      const ids = Array.from({ length: 10 }, (_, at) => `ajeuser${at}`);
      await Promise.all(ids.map((id) => bind(door(), 'Folder', folderId, 'viewer', id)));
      const { body } = await door().call('FolderService.ListAccessBindings', { resourceId: folderId });
      const there = body.accessBindings.map((one: { subject: { id: string } }) => one.subject.id);
      assert.deepEqual(there.sort(), ids);
    });
  });
}
