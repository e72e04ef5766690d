import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Session, waitForOperation } from '@yandex-cloud/nodejs-sdk';
import {
  diskService,
  disk as disks,
  diskTypeService,
  imageService,
  image as images,
  snapshotService,
  snapshot as snapshots,
  zoneService,
} from '@yandex-cloud/nodejs-sdk/compute-v1';
import { operationService, type operation as operations } from '@yandex-cloud/nodejs-sdk/operation';
import { folderService } from '@yandex-cloud/nodejs-sdk/resourcemanager-v1';

/**
 * The story of ../steps.ts, told with the SDK from npm as its users write it for the real cloud: no endpoint is named
 * anywhere, because the SDK has a table of hosts. That those lead here is the network's doing: see nodejs-sdk.test.ts.
 */

const { STORY_KEY_FILE, STORY_TOKEN, STORY_FOLDER: folderId = '', STORY_SOURCE, STORY_SLOW_SOURCE } = process.env;
const session =
  STORY_KEY_FILE === undefined
    ? new Session({ iamToken: STORY_TOKEN ?? '' })
    : new Session({ serviceAccountJson: key() });

function key() {
  const { id, service_account_id, private_key } = JSON.parse(readFileSync(STORY_KEY_FILE ?? '', 'utf8'));
  return { accessKeyId: id, serviceAccountId: service_account_id, privateKey: private_key };
}

const imageClient = session.client(imageService.ImageServiceClient);
const diskClient = session.client(diskService.DiskServiceClient);
const snapshotClient = session.client(snapshotService.SnapshotServiceClient);
const operationClient = session.client(operationService.OperationServiceClient);

const did = (step: string) => console.log(`did: ${step}`);

/** The SDK's own waiting, and the response in the type that is expected. */
async function wait<T>(operation: operations.Operation, decode: (bytes: Buffer) => T): Promise<T> {
  const { response } = await waitForOperation(operation, session, 30_000);
  assert.ok(response !== undefined);
  return decode(Buffer.from(response.value));
}
const toImage = (bytes: Buffer) => images.Image.decode(bytes);

async function createImage(fields: Partial<imageService.CreateImageRequest>) {
  const request = imageService.CreateImageRequest.fromPartial({ ...fields, folderId });
  const image = await wait(await imageClient.create(request), toImage);
  assert.equal(image.status, images.Image_Status.READY);
  return image;
}

async function deleteImage(imageId: string) {
  await wait(await imageClient.delete({ imageId }), () => undefined);
}

async function find(imageId: string) {
  const byName = imageService.ListImagesRequest.fromPartial({ folderId, filter: 'name = "nodejs-2"' });
  assert.deepEqual(
    (await imageClient.list(byName)).images.map(({ id }) => id),
    [imageId],
  );
  const copies: string[] = [];
  for (const name of ['page-a', 'page-b', 'page-c']) copies.push((await createImage({ name, imageId })).id);
  did('image-from-image');
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = await imageClient.list(
      imageService.ListImagesRequest.fromPartial({ folderId, pageSize: 2, pageToken }),
    );
    assert.ok(page.images.length <= 2);
    seen.push(...page.images.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  assert.deepEqual(seen.toSorted(), [imageId, ...copies].toSorted());
  for (const copy of copies) await deleteImage(copy);
  did('list');
  assert.equal((await imageClient.getLatestByFamily({ folderId, family: 'nodejs' })).id, imageId);
  did('latest-by-family');
  const request = imageService.ListImageOperationsRequest.fromPartial({ imageId });
  const history = (await imageClient.listOperations(request)).operations.map(({ description }) => description);
  assert.deepEqual(history, ['Update image', 'Create image']);
  did('list-operations');
}

async function makeDisks(imageId: string) {
  const size = 4 * 2 ** 40;
  const { zones } = await session.client(zoneService.ZoneServiceClient).list({ pageSize: 0, pageToken: '' });
  const types = await session.client(diskTypeService.DiskTypeServiceClient).list({ pageSize: 0, pageToken: '' });
  const wanted = {
    folderId,
    name: 'nodejs',
    zoneId: zones[0]?.id ?? '',
    typeId: types.diskTypes[0]?.id ?? '',
    size,
    imageId,
  };
  const request = diskService.CreateDiskRequest.fromPartial(wanted);
  const disk = await wait(await diskClient.create(request), (bytes) => disks.Disk.decode(bytes));
  assert.deepEqual([disk.sourceImageId, disk.size, disk.blockSize], [imageId, size, 4096]);
  did('disk');
  const ofDisk = snapshotService.CreateSnapshotRequest.fromPartial({ folderId, diskId: disk.id, name: 'nodejs' });
  const snapshot = await wait(await snapshotClient.create(ofDisk), (bytes) => snapshots.Snapshot.decode(bytes));
  assert.deepEqual([snapshot.sourceDiskId, snapshot.diskSize], [disk.id, size]);
  did('snapshot');
  const one = await createImage({ diskId: disk.id });
  did('image-from-disk');
  const other = await createImage({ snapshotId: snapshot.id });
  did('image-from-snapshot');
  for (const made of [one, other]) {
    assert.equal(made.minDiskSize, size);
    await deleteImage(made.id);
  }
  await wait(await snapshotClient.delete({ snapshotId: snapshot.id }), () => undefined);
  await wait(await diskClient.delete({ diskId: disk.id }), () => undefined);
}

async function bind(resourceId: string) {
  const everybody = { roleId: 'compute.images.user', subject: { id: 'allAuthenticatedUsers', type: 'system' } };
  const list = async () => {
    const { accessBindings } = await imageClient.listAccessBindings({ resourceId, pageSize: 0, pageToken: '' });
    return accessBindings.map(({ roleId, subject }) => ({ roleId, subject: { id: subject?.id, type: subject?.type } }));
  };
  await wait(await imageClient.setAccessBindings({ resourceId, accessBindings: [everybody] }), () => undefined);
  assert.deepEqual(await list(), [everybody]);
  // REMOVE: the SDK does not export the enumeration.
  const deltas = [{ action: 2, accessBinding: everybody }];
  await wait(await imageClient.updateAccessBindings({ resourceId, accessBindingDeltas: deltas }), () => undefined);
  assert.deepEqual(await list(), []);
  did('access-bindings');
}

assert.equal((await session.client(folderService.FolderServiceClient).get({ folderId })).name, 'default');
did(STORY_KEY_FILE === undefined ? 'iam-token' : 'service-account-key');

const labels = { made: 'by-sdk' };
const image = await createImage({ name: 'nodejs', labels, family: 'nodejs', uri: STORY_SOURCE ?? '' });
const imageId = image.id;
did('create-from-uri');
assert.deepEqual(await imageClient.get({ imageId }), image);
assert.deepEqual(image.labels, labels);
did('get');

const paths = ['name', 'description', 'labels', 'min_disk_size'];
const change = { name: 'nodejs-2', description: 'changed', labels: { changed: '' }, minDiskSize: 4 * 2 ** 40 };
const update = imageService.UpdateImageRequest.fromPartial({ imageId, updateMask: { paths }, ...change });
const { name, description, labels: changed, minDiskSize } = await wait(await imageClient.update(update), toImage);
assert.deepEqual({ name, description, labels: changed, minDiskSize }, change);
did('update');

await find(imageId);
await makeDisks(imageId);
await bind(imageId);

const slow = imageService.CreateImageRequest.fromPartial({ folderId, uri: STORY_SLOW_SOURCE ?? '' });
const started = await imageClient.create(slow);
assert.equal((await operationClient.cancel({ operationId: started.id })).error?.code, 1);
await assert.rejects(wait(started, toImage), { id: started.id, done: true });
did('cancel');

const missing = imageService.CreateImageRequest.fromPartial({ folderId, uri: process.env.STORY_MISSING_SOURCE ?? '' });
await assert.rejects(
  waitForOperation(await imageClient.create(missing), session, 30_000),
  (failed: operations.Operation) => {
    assert.equal(failed.error?.code, 5);
    assert.match(failed.error.message, /404/);
    return true;
  },
);
did('failed-import');

await deleteImage(imageId);
await assert.rejects(imageClient.get({ imageId }), { code: 5, details: `Image "${imageId}" not found` });
did('delete');
