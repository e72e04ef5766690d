import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runCommand } from '../fixtures/command.ts';
import { type Door, DoorError, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { failsWith, finish } from '../fixtures/finish-operation.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { createTenant, type Tenant } from '../fixtures/tenant.ts';

/** What a cloud may use: seen, said, refused at once, refused in the operation, given back. */

const mib = 1024 ** 2;
const zoneId = 'ru-central1-a';
const exhausted = 8;
const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz({ flags: ['--quota', 'compute.snapshots.count=7'] }));
});
after(() => opened.disposeAsync());

async function usageOf(door: Door, cloudId: string, name: string): Promise<number> {
  return Number((await door.call('QuotaService.Get', { cloudId, name })).body.usage ?? 0);
}

for (const [number, open] of [openGrpcDoor, openRestDoor].entries()) {
  describe(`quotas through ${['gRPC', 'REST'][number]}`, () => {
    let door: Door;
    let tenant: Tenant;
    let as: { readonly token: string };

    before(async () => {
      door = open(obraz);
      tenant = await createTenant(door, `tenant-${number}`);
      as = { token: tenant.token };
    });
    after(() => door[Symbol.asyncDispose]());

    const set = (name: string, limit: number) =>
      door.call('QuotaService.Set', { cloudId: tenant.cloudId, name, limit: String(limit) });

    test('are listed to who may see the cloud, and set by the administrator alone', async () => {
      const { cloudId } = tenant;
      const { quotas } = (await door.call('QuotaService.List', { cloudId }, as)).body;
      const snapshots = quotas.find(({ name }: { name: string }) => name === 'compute.snapshots.count');
      assert.deepEqual(snapshots, { cloudId, name: 'compute.snapshots.count', limit: '7', defaultLimit: '7' });
      const limit = { cloudId, name: 'compute.disks.count', limit: '100' };
      await assert.rejects(door.call('QuotaService.Set', limit, as), failsWith(7, /Permission denied/));
      assert.equal((await door.call('QuotaService.Set', limit)).body.limit, '100');
      const wrong = { ...limit, name: 'compute.gpus.count' };
      await assert.rejects(door.call('QuotaService.Set', wrong), failsWith(5, /Quota "compute.gpus.count" not found/));
      const { folderId } = obraz;
      const other = (await door.call('FolderService.Get', { folderId })).body.cloudId;
      await assert.rejects(door.call('QuotaService.List', { cloudId: other }, as), failsWith(5, /not found/));
    });

    test('refuse a disk at once, in the words that clients know, and say which and what to do', async () => {
      const { folderId, cloudId } = tenant;
      await set('compute.disks.count', 1);
      const disk = { folderId, zoneId, size: String(4 * mib) };
      const { made } = await finish(door, 'DiskService.Create', disk);
      await assert.rejects(door.call('DiskService.Create', disk, as), (error: unknown) => {
        assert.ok(error instanceof DoorError);
        assert.equal(error.code, exhausted);
        assert.equal(error.message, 'The limit on maximum number of disks has exceeded.');
        const [metric, remedy, info] = error.details;
        assert.deepEqual(metric, {
          '@type': 'type.googleapis.com/yandex.cloud.quota.QuotaFailure',
          violations: [{ metric: { name: 'compute.disks.count', limit: '1', usage: 1 }, required: '2' }],
        });
        assert.match(JSON.stringify(remedy), new RegExp(`clouds/${cloudId}.*obraz quota set compute.disks.count`));
        assert.equal(info?.reason, 'QUOTA_EXCEEDED');
        return true;
      });
      await finish(door, 'DiskService.Delete', { diskId: made.id });
      const { made: another } = await finish(door, 'DiskService.Create', disk);
      await set('compute.hddDisks.size', 5 * mib);
      const grown = { diskId: another.id, updateMask: 'size', size: String(8 * mib) };
      await assert.rejects(
        door.call('DiskService.Update', grown, as),
        failsWith(exhausted, /^The limit on total size of network-hdd disks has exceeded\.$/),
      );
    });

    test('refuse folders, service accounts, keys and attachments above their limits', async () => {
      const { cloudId, folderId, id: serviceAccountId, token } = await createTenant(door, `maker-${number}`);
      const as = { token };
      const set = (name: string, limit?: number) =>
        door.call('QuotaService.Set', { cloudId, name, ...(limit === undefined ? {} : { limit: String(limit) }) });
      const { quotas } = (await door.call('QuotaService.List', { cloudId }, as)).body;
      const limits = new Map(quotas.map((quota: { name: string; limit: string }) => [quota.name, quota.limit]));
      assert.equal(limits.get('resource-manager.folders.count'), '1000');
      for (const [name, noun, call] of [
        [
          'resource-manager.folders.count',
          'folders',
          () => door.call('FolderService.Create', { cloudId, name: 'b' }, as),
        ],
        [
          'iam.serviceAccounts.count',
          'service accounts',
          () => door.call('ServiceAccountService.Create', { folderId, name: 'b' }, as),
        ],
        ['iam.authorizedKeys.count', 'authorized keys', () => door.call('KeyService.Create', { serviceAccountId }, as)],
        ['iam.accessKeys.count', 'access keys', () => door.call('AccessKeyService.Create', { serviceAccountId }, as)],
      ] as const) {
        await set(name, await usageOf(door, cloudId, name));
        const message = `^The limit on maximum number of ${noun} has exceeded\\.$`;
        await assert.rejects(call(), failsWith(exhausted, new RegExp(message)));
        await set(name);
        await call();
      }
      const { made } = await finish(door, 'DiskService.Create', { folderId, zoneId, size: String(4 * mib) });
      await set('compute.attachments.count', 0);
      const attach = () => door.call('AttachmentService.Create', { diskId: made.id }, as);
      await assert.rejects(
        attach(),
        failsWith(exhausted, /^The limit on maximum number of attachments has exceeded\.$/),
      );
      await set('compute.attachments.count');
      await attach();
    });

    test('refuse snapshots, pooled images and copies of images, each in its own words', async () => {
      const { folderId } = tenant;
      const uri = files.put(`small-${number}.raw`, noise(4096, 3 + number));
      const { made: image } = await finish(door, 'ImageService.Create', { folderId, uri });
      await set('compute.disks.count', 5);
      await set('compute.hddDisks.size', 100 * mib);
      const { made: disk } = await finish(door, 'DiskService.Create', { folderId, zoneId, size: String(4 * mib) });
      for (const name of ['compute.snapshots.count', 'compute.diskPools.count']) await set(name, 0);
      const refused = (words: string) => failsWith(exhausted, new RegExp(`^The limit on ${words} has exceeded\\.$`));
      const snapshot = door.call('SnapshotService.Create', { folderId, diskId: disk.id }, as);
      await assert.rejects(snapshot, refused('maximum number of snapshots'));
      const pooled = door.call('ImageService.Create', { folderId, imageId: image.id, pooled: true }, as);
      await assert.rejects(pooled, refused('maximum number of pooled images'));
      await set('compute.images.size', Number(image.storageSize));
      const copy = door.call('ImageService.Create', { folderId, imageId: image.id }, as);
      await assert.rejects(copy, refused('total size of images'));
      await finish(door, 'ImageService.Delete', { imageId: image.id });
    });

    test('let 10 of 50 imports begin that come at once, and give back what was cancelled', async () => {
      const { folderId, cloudId } = tenant;
      await set('compute.images.count', 10);
      await set('compute.images.size', 100 * mib);
      files.hold(0, mib);
      const uri = files.put(`held-${number}.raw`, noise(mib, 5));
      const begin = () => door.call('ImageService.Create', { folderId, uri }, as);
      const begun: string[] = [];
      for (const end of await Promise.allSettled(Array.from({ length: 50 }, begin))) {
        if (end.status === 'fulfilled') begun.push(end.value.body.id);
        else failsWith(exhausted, /^The limit on maximum number of images has exceeded\.$/)(end.reason);
      }
      assert.equal(begun.length, 10);
      assert.equal(await usageOf(door, cloudId, 'compute.operations.count'), 10);
      await Promise.all(begun.map((operationId) => door.call('OperationService.Cancel', { operationId }, as)));
      files.release();
      assert.equal(await usageOf(door, cloudId, 'compute.operations.count'), 0);
      assert.equal(await usageOf(door, cloudId, 'compute.images.count'), 0);
    });

    test('refuse the bytes of a file in the operation, which leaves nothing, and the next one at once', async () => {
      const { folderId, cloudId } = tenant;
      await set('compute.images.size', mib);
      const tooMuch = files.put(`much-${number}.raw`, noise(2 * mib, 7 + number));
      const { body: started } = await door.call('ImageService.Create', { folderId, uri: tooMuch }, as);
      const { error } = await untilDone(door, started.id);
      assert.deepEqual([error?.code, error?.message], [exhausted, 'The limit on total size of images has exceeded.']);
      assert.match(JSON.stringify(error.details), /compute\.images\.size/);
      assert.equal(await usageOf(door, cloudId, 'compute.images.count'), 0);

      const enough = files.put(`enough-${number}.raw`, noise(mib / 2, 9 + number));
      await finish(door, 'ImageService.Create', { folderId, uri: enough });
      const used = await usageOf(door, cloudId, 'compute.images.size');
      assert.ok(used >= mib / 2 && used < mib, `${used}`);
      await set('compute.images.count', 5);
      await set('compute.images.size', used);
      await assert.rejects(
        door.call('ImageService.Create', { folderId, uri: enough }, as),
        failsWith(exhausted, /^The limit on total size of images has exceeded\.$/),
      );
    });
  });
}

test('the command line lists, sets and takes back', async () => {
  const run = async (...args: string[]) => {
    const ended = await runCommand(['quota', ...args, '--data', obraz.dataDirectory]);
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout;
  };
  await using door = openGrpcDoor(obraz);
  const { cloudId } = (await door.call('FolderService.Get', { folderId: obraz.folderId })).body;
  assert.match(await run('list', '--cloud-id', cloudId), /^compute\.images\.size +0 B +4096 TB +4096 TB$/m);
  const set = await run('set', 'compute.images.size', '2TB', '--cloud-id', cloudId, '--format', 'json');
  assert.equal(JSON.parse(set).limit, String(2 * 1024 ** 4));
  await run('set', 'compute.disks.count', '0', '--cloud-id', cloudId);
  const refused = await runCommand([
    ...['disk', 'create', '--name', 'one-too-many', '--size', '4MB', '--zone', zoneId, '--folder-id', obraz.folderId],
    ...['--data', obraz.dataDirectory],
  ]);
  assert.match(
    refused.stderr,
    /maximum number of disks has exceeded[\s\S]*obraz quota set compute\.disks\.count NUMBER/,
  );
  const back = await run('set', 'compute.images.size', 'default', '--cloud-id', cloudId, '--format', 'json');
  assert.equal(JSON.parse(back).limit, String(4 * 1024 ** 5));
});

test('what is used is what is there after a kill', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = directory.path;
  let cloudId = '';
  {
    await using killed = await startObraz({ dataDirectory });
    await using door = openGrpcDoor(killed);
    const { folderId } = killed;
    cloudId = (await door.call('FolderService.Get', { folderId })).body.cloudId;
    const creates = Array.from({ length: 20 }, () =>
      door.call('DiskService.Create', { folderId, zoneId, size: String(4 * mib) }),
    );
    await Promise.race(creates);
    await killed.end('SIGKILL');
    await Promise.allSettled(creates);
  }
  await using obrazAgain = await startObraz({ dataDirectory });
  await using door = openGrpcDoor(obrazAgain);
  const { folderId } = obrazAgain;
  const { disks } = (await door.call('DiskService.List', { folderId })).body;
  assert.ok(disks.length > 0);
  assert.equal(await usageOf(door, cloudId, 'compute.disks.count'), disks.length);
  assert.equal(await usageOf(door, cloudId, 'compute.hddDisks.size'), disks.length * 4 * mib);
});
