import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ComputeClient, openCompute, rawTarball } from '../fixtures/compute-client.ts';
import { type Door, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Two APIs, one truth: what each of them alone has words for outlives a change by the other. */

let files: FileServer;
let obraz: Obraz;
let compute: ComputeClient;
let door: Door;

before(async () => {
  files = await startFileServer();
  obraz = await startObraz({ flags: ['--object-store', files.origin] });
  compute = openCompute(obraz);
  door = openRestDoor(obraz);
});
after(async () => {
  for (const opened of [door, compute, obraz, files]) await opened[Symbol.asyncDispose]();
});

/** Makes an image by the API that calls resources by ids; returns its id. */
async function createImage(fields: Record<string, unknown>): Promise<string> {
  const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, ...fields });
  const { response, error } = await untilDone(door, body.id);
  assert.equal(error, undefined);
  return response.id;
}

test('what only the one API says of an image stays when the other one changes it', async () => {
  const uri = files.put('windows.raw', noise(8192, 1));
  const said = {
    os: { type: 'WINDOWS' },
    pooled: true,
    productIds: ['f2eproductproductpro'],
    minDiskSize: String(2 ** 30 + 4096),
  };
  const imageId = await createImage({ name: 'a_windows_image', uri, labels: { 'a/b': 'c.d' }, ...said });
  const path = 'global/images/a_windows_image';
  const shown = await compute.get(path);
  assert.deepEqual(shown.labels, { 'a/b': 'c.d' });
  assert.equal(shown.diskSizeGb, '2', 'the least disk that can be made of it, in whole GB');
  assert.equal(shown.architecture, undefined);

  await compute.change('PATCH', path, { body: { description: 'patched', family: 'windows', architecture: 'X86_64' } });
  await compute.change('POST', `${path}/deprecate`, { body: { state: 'DEPRECATED' } });
  const { labelFingerprint } = await compute.get(path);
  await compute.change('POST', `${path}/setLabels`, { body: { labels: { env: 'test' }, labelFingerprint } });

  const { body: image } = await door.call('ImageService.Get', { imageId });
  assert.deepEqual(
    { os: { type: image.os.type }, pooled: image.pooled, productIds: image.productIds, minDiskSize: image.minDiskSize },
    said,
  );
  assert.deepEqual([image.name, image.description, image.family], ['a_windows_image', 'patched', 'windows']);
  assert.deepEqual(image.labels, { env: 'test' });
});

test('what only the other one says stays, too', async () => {
  files.put('bucket/full.tar.gz', rawTarball(noise(8192, 2)));
  const said = {
    guestOsFeatures: [{ type: 'UEFI_COMPATIBLE' }],
    licenseCodes: ['9223372036854775807'],
    architecture: 'ARM64',
    storageLocations: ['eu'],
    shieldedInstanceInitialState: { pk: { content: 'AQID', fileType: 'BIN' } },
  };
  const rawDisk = { source: 'https://storage.googleapis.com/bucket/full.tar.gz' };
  const deprecated = { state: 'DEPRECATED', replacement: 'projects/other/global/images/next' };
  await compute.change('POST', 'global/images', { body: { name: 'full', rawDisk, ...said, deprecated } });
  const before = await compute.get('global/images/full');
  assert.equal(
    before.deprecated.replacement,
    'https://www.googleapis.com/compute/v1/projects/other/global/images/next',
  );

  const { body } = await door.call('ImageService.List', { folderId: obraz.folderId, filter: 'name = "full"' });
  const [{ id: imageId }] = body.images;
  const change = {
    imageId,
    updateMask: 'name,description,labels',
    name: 'new-name',
    description: 'new',
    labels: { a: 'b' },
  };
  await door.call('ImageService.Update', change);

  const { name, description, labels, labelFingerprint, selfLink, ...rest } =
    await compute.get('global/images/new-name');
  assert.deepEqual([name, description, labels], ['new-name', 'new', { a: 'b' }]);
  assert.notEqual(labelFingerprint, before.labelFingerprint);
  assert.match(selfLink, /\/new-name$/);
  const { name: _name, labelFingerprint: _fingerprint, selfLink: _link, ...kept } = before;
  assert.deepEqual(rest, kept);

  const copied = await createImage({ imageId, name: 'copied' });
  const copy = await compute.get(`global/images/copied`);
  assert.deepEqual(
    [copy.guestOsFeatures, copy.licenseCodes, copy.architecture],
    [said.guestOsFeatures, said.licenseCodes, 'ARM64'],
  );
  assert.equal(copy.sourceImageId, before.id);
  assert.equal((await compute.get(`global/images/${copy.id}`)).name, 'copied');
  assert.ok(copied.length > 0);
});

test('an image that is not whole yet is pending, is no source, and is of no family', async () => {
  const uri = files.put('slow.raw', noise(1_000_000, 3));
  files.hold(0, 1_000_000);
  try {
    const { body } = await door.call('ImageService.Create', {
      folderId: obraz.folderId,
      name: 'slow',
      family: 'slow',
      uri,
    });
    const image = await compute.get('global/images/slow');
    assert.deepEqual([image.status, image.archiveSizeBytes], ['PENDING', '0']);
    const { items } = await compute.get('global/operations', { filter: `targetId = ${image.id}` });
    assert.deepEqual([items.length, items[0].operationType, items[0].error], [1, 'insert', undefined]);
    assert.ok(['PENDING', 'RUNNING'].includes(items[0].status), items[0].status);
    assert.equal(items[0].endTime, undefined);
    await compute.refused(404, 'GET', 'global/images/family/slow');
    const source = { name: 'early', sourceImage: 'global/images/slow' };
    const early = await compute.refused(400, 'POST', 'global/images', { body: source });
    assert.equal(early.errors[0].reason, 'resourceNotReady');
    assert.equal(early.message, `The resource 'projects/${compute.project}/global/images/slow' is not ready`);
    const deleting = await compute.refused(400, 'DELETE', `global/operations/${items[0].name}`);
    assert.equal(deleting.errors[0].reason, 'failedPrecondition');

    await door.call('OperationService.Cancel', { operationId: body.id });
    const cancelled = await compute.get(`global/operations/${items[0].name}`);
    assert.equal(cancelled.status, 'DONE');
    assert.equal(cancelled.error.errors[0].code, 'CANCELLED');
    assert.ok(cancelled.httpErrorStatusCode >= 400 && cancelled.httpErrorMessage.length > 0);
    await compute.refused(404, 'GET', 'global/images/slow');
  } finally {
    files.release();
  }
});
