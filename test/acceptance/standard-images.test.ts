import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { standardImagesCloudId, standardImagesFolderId } from '../../src/folders/standard-images.ts';
import { openAttached } from '../fixtures/attached-disk.ts';
import { runCommand } from '../fixtures/command.ts';
import { type Door, openGrpcDoor, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { failsWith, finish } from '../fixtures/finish-operation.ts';
import { noise, twoEndedGuest } from '../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { storageOf } from '../fixtures/service-storage.ts';

/** The folder `standard-images`: what is in it is everybody's source, and what is made of it is its maker's own. */

const mib = 1024 * 1024;
const zoneId = 'ru-central1-a';
const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let agent: Agent;

before(async () => {
  files = opened.use(await startFileServer());
  // What is deleted is collected at once: nothing may be missing of what was made of it.
  obraz = opened.use(await startObraz({ flags: ['--keep-deleted', '0'] }));
  agent = new Agent({ connect: { ca: obraz.ca } });
  opened.defer(() => agent.close());
});
after(() => opened.disposeAsync());

async function contentOf(imageId: string): Promise<Buffer> {
  const url = `https://${obraz.endpoint}/obraz/v1/images/${imageId}/content`;
  const headers = { authorization: `Bearer ${obraz.token}` };
  const { body } = await request(url, { dispatcher: agent, headers });
  return Buffer.from(await body.arrayBuffer());
}

/** What the store has of a cloud's own. */
async function countOf(table: 'packs' | 'chunks' | 'volumes', domainId: string): Promise<number> {
  const [row] = await obraz.storage.rows(`select count(*) as n from ${table} where domain_id = ?`, [domainId]);
  return Number(row?.n);
}

for (const [number, open] of [openGrpcDoor, openRestDoor].entries()) {
  describe(`standard images through ${['gRPC', 'REST'][number]}`, () => {
    const family = `standard-${number}`;
    const guest = twoEndedGuest(80 + number);
    let door: Door;
    let folderId: string;
    let cloudId: string;

    before(async () => {
      door = open(obraz);
      folderId = obraz.folderId;
      cloudId = (await door.call('FolderService.Get', { folderId })).body.cloudId;
    });
    after(() => door[Symbol.asyncDispose]());

    const createStandardImage = async () => {
      const uri = files.put(`standard-${number}.raw`, guest);
      const about = { folderId: standardImagesFolderId, family, name: `standard-${number}` };
      return (await finish(door, 'ImageService.Create', { ...about, uri })).made;
    };

    test('the folder is there, by its well-known id, and in nobody’s lists', async () => {
      const { body: folder } = await door.call('FolderService.Get', { folderId: 'standard-images' });
      assert.deepEqual([folder.name, folder.cloudId], ['standard-images', standardImagesCloudId]);
      const { body: clouds } = await door.call('CloudService.List', {});
      assert.deepEqual(
        clouds.clouds.map(({ id }: { id: string }) => id),
        [cloudId],
      );
      const { body: folders } = await door.call('FolderService.List', { cloudId });
      assert.deepEqual(
        folders.folders.map(({ name }: { name: string }) => name),
        ['default'],
      );
    });

    test('its images are found by their family, and outlived by all that was made of them elsewhere', async () => {
      const standard = await createStandardImage();
      const { body: latest } = await door.call('ImageService.GetLatestByFamily', {
        ...{ folderId: 'standard-images', family },
      });
      assert.equal(latest.id, standard.id);

      const { made: copy } = await finish(door, 'ImageService.Create', { folderId, imageId: standard.id });
      assert.equal(copy.storageSize, standard.storageSize);
      assert.equal(await countOf('chunks', cloudId), 0, 'it names what is stored already');
      const createDisk = async (source: object) => {
        const fields = { folderId, zoneId, size: String(66 * mib), ...source };
        return (await finish(door, 'DiskService.Create', fields)).made;
      };
      const written = await createDisk({ imageId: standard.id });
      const untouched = await createDisk({ imageId: copy.id });
      const words = noise(mib, 90 + number);
      const { body: attachment } = await door.call('AttachmentService.Create', { diskId: written.id });
      {
        await using device = await openAttached(attachment.uri);
        await device.write(65 * mib, words);
        await device.flush();
      }
      const snapshotOf = async (diskId: string) =>
        (await finish(door, 'SnapshotService.Create', { folderId, diskId })).made;
      const first = await snapshotOf(written.id);
      {
        await using device = await openAttached(attachment.uri);
        await device.write(4096, words);
        await device.flush();
      }
      await door.call('AttachmentService.Delete', { attachmentId: attachment.id });
      const second = await snapshotOf(written.id);
      const grown = await snapshotOf(untouched.id);
      assert.ok((await countOf('chunks', cloudId)) > 0, 'what was written is stored in the cloud of who wrote it');

      await finish(door, 'ImageService.Delete', { imageId: standard.id });
      assert.ok((await contentOf(copy.id)).equals(guest));
      assert.ok((await countOf('packs', standardImagesCloudId)) > 0, 'the copy needs them');
      await finish(door, 'ImageService.Delete', { imageId: copy.id });
      await finish(door, 'DiskService.Delete', { diskId: untouched.id });
      const signal = AbortSignal.timeout(20_000);
      while ((await countOf('packs', standardImagesCloudId)) > 0) await wait(50, undefined, { signal });

      const wanted = Buffer.alloc(66 * mib);
      wanted.set(guest);
      for (const [snapshot, place] of [[grown], [first, 65 * mib], [second, 4096]] as const) {
        if (place !== undefined) wanted.set(words, place);
        const { made } = await finish(door, 'ImageService.Create', { folderId, snapshotId: snapshot.id });
        assert.ok((await contentOf(made.id)).equals(wanted), `snapshot over ${place}`);
        await finish(door, 'ImageService.Delete', { imageId: made.id });
      }
      assert.equal(await countOf('volumes', standardImagesCloudId), 0);
      for (const { id } of [grown, first, second]) await finish(door, 'SnapshotService.Delete', { snapshotId: id });
      await finish(door, 'DiskService.Delete', { diskId: written.id });
      while ((await countOf('packs', cloudId)) > 0) await wait(50, undefined, { signal });
    });

    test('a cloud’s own images stay its own', async () => {
      const uri = files.put(`own-${number}.raw`, guest);
      const { made: own } = await finish(door, 'ImageService.Create', { folderId, uri });
      const abroad = door.call('ImageService.Create', { folderId: standardImagesFolderId, imageId: own.id });
      await assert.rejects(abroad, failsWith(9, /is in another cloud/));
      const standard = await createStandardImage();
      assert.equal(await countOf('volumes', cloudId), 1);
      assert.equal(await countOf('volumes', standardImagesCloudId), 1, 'nothing is shared, also of equal content');
      assert.equal(standard.obraz.guestDigest, own.obraz.guestDigest);
      const { made: copy } = await finish(door, 'ImageService.Create', { folderId, imageId: standard.id });
      const { made } = await finish(door, 'StoreService.Check', { readData: true });
      assert.equal(made.errorCount ?? '0', '0', JSON.stringify(made));
      for (const { id } of [own, standard, copy]) await finish(door, 'ImageService.Delete', { imageId: id });
      const signal = AbortSignal.timeout(20_000);
      while ((await countOf('packs', cloudId)) > 0) await wait(50, undefined, { signal });
    });
  });
}

/** What the administrator makes by one call that is done at once. */
async function make(path: string, body: object): Promise<{ readonly id: string; readonly iamToken: string }> {
  const url = `https://${obraz.endpoint}${path}`;
  const headers = { authorization: `Bearer ${obraz.token}`, 'content-type': 'application/json' };
  const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body: JSON.stringify(body) });
  const made = Object(await answer.body.json());
  assert.equal(answer.statusCode, 200, JSON.stringify(made));
  return made.response ?? made;
}

test('whoever has a token may use them, and only the administrator may change them', async () => {
  await using door = openGrpcDoor(obraz);
  const uri = files.put('for-everybody.raw', twoEndedGuest(97));
  const about = { folderId: standardImagesFolderId, family: 'for-everybody', uri };
  const { made: standard } = await finish(door, 'ImageService.Create', about);
  const cloud = await make('/resource-manager/v1/clouds', { name: 'another' });
  const folder = await make('/resource-manager/v1/folders', { cloudId: cloud.id, name: 'work' });
  const account = await make('/iam/v1/serviceAccounts', { folderId: folder.id, name: 'worker' });
  const binding = { roleId: 'editor', subject: { id: account.id, type: 'serviceAccount' } };
  await make(`/resource-manager/v1/folders/${folder.id}:setAccessBindings`, { accessBindings: [binding] });
  const { made: own } = await finish(door, 'ImageService.Create', { folderId: obraz.folderId, uri });
  const { iamToken: token } = await make('/iam/v1/tokens:createForServiceAccount', { serviceAccountId: account.id });
  const call: Door['call'] = (method, body) => door.call(method, body, { token });

  const { body: latest } = await call('ImageService.GetLatestByFamily', {
    ...{ folderId: standardImagesFolderId, family: 'for-everybody' },
  });
  assert.equal(latest.id, standard.id);
  const { body: listed } = await call('ImageService.List', { folderId: standardImagesFolderId });
  assert.ok(listed.images.some(({ id }: { id: string }) => id === standard.id));
  assert.equal((await call('FolderService.Get', { folderId: standardImagesFolderId })).body.status, 'ACTIVE');
  const folderId = folder.id;
  const { body: image } = await call('ImageService.Create', { folderId, imageId: standard.id });
  assert.equal(image.response.status, 'READY');
  const size = String(6 * mib);
  const { body: disk } = await call('DiskService.Create', { folderId, zoneId, size, imageId: standard.id });
  assert.equal(disk.response.sourceImageId, standard.id);

  const denied = failsWith(7, /^Permission denied/);
  const imageId = standard.id;
  await assert.rejects(call('ImageService.Create', { folderId: standardImagesFolderId, uri }), denied);
  await assert.rejects(call('ImageService.Update', { imageId, updateMask: 'name', name: 'mine' }), denied);
  await assert.rejects(call('ImageService.Delete', { imageId }), denied);
  // Everybody may attach them, and nobody sees who does.
  const { body: attachment } = await call('AttachmentService.Create', { imageId });
  const place = { folderId: standardImagesFolderId };
  await assert.rejects(call('AttachmentService.List', place), denied);
  await assert.rejects(call('ServiceAccountService.List', place), denied);
  await call('AttachmentService.Delete', { attachmentId: attachment.id });
  // What is in another cloud's folder is as if it were not there.
  await assert.rejects(call('ImageService.Get', { imageId: own.id }), failsWith(5, /not found$/));
  await assert.rejects(call('ImageService.Create', { folderId, imageId: own.id }), failsWith(9, /not found$/));
});

test('the folder stays, also when it is empty', async () => {
  const headers = { authorization: `Bearer ${obraz.token}` };
  for (const place of [`folders/${standardImagesFolderId}`, `clouds/${standardImagesCloudId}`]) {
    const url = `https://${obraz.endpoint}/resource-manager/v1/${place}`;
    const { statusCode, body } = await request(url, { dispatcher: agent, method: 'DELETE', headers });
    assert.equal(Object(await body.json()).code, 9, place);
    assert.equal(statusCode, 400);
  }
});

test('a rebuild finds in which domain the lost volumes of copies are', async () => {
  await using folder = await temporaryDirectory();
  const dataDirectory = folder.path;
  const run = async (...args: string[]) => {
    const ended = await runCommand([...args, '--data', dataDirectory]);
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
    return ended.stdout;
  };
  const guest = twoEndedGuest(99);
  const standardFolder = ['--folder-id', standardImagesFolderId];
  const copying = ['--source-image-name', 'standard', '--source-image-folder-id', standardImagesFolderId];
  {
    await using _obraz = await startObraz({ dataDirectory });
    const uri = files.put('rebuilt.raw', guest);
    await run('image', 'create', ...standardFolder, '--name', 'standard', '--source-uri', uri);
    await run('image', 'create', '--name', 'own', '--source-uri', uri);
    await run('image', 'create', '--name', 'copy', ...copying);
    await run('image', 'delete', 'standard', ...standardFolder);
  }
  {
    const storage = await storageOf(dataDirectory);
    await storage.change('delete from volume_references; delete from volumes');
  }
  assert.match(await run('fsck', '--rebuild'), /2 that it had lost are back/);
  {
    await using _obraz = await startObraz({ dataDirectory });
    for (const name of ['own', 'copy']) {
      const path = join(dataDirectory, `${name}.raw`);
      await run('image', 'download', name, path);
      assert.ok((await readFile(path)).equals(guest), name);
    }
    await run('fsck', '--read-data');
  }
  await (await storageOf(dataDirectory)).loseMetadata();
  assert.match(await run('fsck', '--rebuild'), /2 that it had lost are back/);
  await using _obraz = await startObraz({ dataDirectory });
  for (const place of [[], ['--cloud-id', standardImagesCloudId]]) {
    const recovered = await run('image', 'list', '--folder-name', 'recovered', ...place, '--format', 'json');
    assert.equal(JSON.parse(recovered).length, 1, 'each in a cloud of its domain');
  }
});
