import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ComputeClient, openCompute, rawTarball } from '../fixtures/compute-client.ts';
import { type Door, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Disks and snapshots by the Compute Engine API of a started service, as gcloud, Terraform and Node's client use them. */

const links = 'https://www.googleapis.com/compute/v1/';
const zone = 'zones/us-central1-a';

let files: FileServer;
let obraz: Obraz;
let compute: ComputeClient;
let door: Door;

before(async () => {
  files = await startFileServer();
  const places = [
    '--zone',
    'us-central1-a',
    '--zone',
    'us-central1-b',
    '--disk-type',
    'pd-standard',
    '--disk-type',
    'pd-ssd',
  ];
  obraz = await startObraz({ flags: ['--object-store', files.origin, ...places] });
  compute = openCompute(obraz);
  door = openRestDoor(obraz);
  files.put('bucket/disk.tar.gz', rawTarball(noise(8192, 1)));
  const rawDisk = { source: 'https://storage.googleapis.com/bucket/disk.tar.gz' };
  const guest = {
    guestOsFeatures: [{ type: 'GVNIC' }],
    licenses: ['projects/p/global/licenses/l'],
    architecture: 'ARM64',
  };
  await compute.change('POST', 'global/images', { body: { name: 'image', rawDisk, diskSizeGb: '3', ...guest } });
});
after(async () => {
  for (const opened of [door, compute, obraz, files]) await opened[Symbol.asyncDispose]();
});

test('a disk is made of an image, in its zone', async () => {
  const { project } = compute;
  const body = {
    name: 'disk',
    description: 'a disk',
    sourceImage: 'global/images/image',
    type: `http://${obraz.endpoint}/compute/v1/projects/${project}/${zone}/diskTypes/pd-ssd`,
    labels: { env: 'test' },
  };
  const operation = await compute.change('POST', `${zone}/disks`, { body });
  const selfLink = `${links}projects/${project}/${zone}/disks/disk`;
  assert.equal(operation.operationType, 'insert');
  assert.equal(operation.targetLink, selfLink);
  assert.equal(operation.zone, `${links}projects/${project}/${zone}`);
  assert.equal(operation.selfLink, `${operation.zone}/operations/${operation.name}`);
  assert.equal((await compute.get(`${zone}/operations/${operation.name}`)).id, operation.id);
  await compute.refused(404, 'GET', `global/operations/${operation.name}`);

  const image = await compute.get('global/images/image');
  const { id, creationTimestamp, labelFingerprint, ...disk } = await compute.get(`${zone}/disks/disk`);
  assert.match(id, /^[1-9]\d{0,18}$/);
  assert.ok(Date.parse(creationTimestamp) > 0);
  assert.match(labelFingerprint, /=$/);
  assert.deepEqual(disk, {
    kind: 'compute#disk',
    name: 'disk',
    description: 'a disk',
    sizeGb: '3',
    status: 'READY',
    type: `${links}projects/${project}/${zone}/diskTypes/pd-ssd`,
    zone: operation.zone,
    sourceImage: image.selfLink,
    sourceImageId: image.id,
    licenses: image.licenses,
    guestOsFeatures: [{ type: 'GVNIC' }],
    architecture: 'ARM64',
    physicalBlockSizeBytes: '4096',
    labels: { env: 'test' },
    selfLink,
  });
  const { body: seen } = await door.call('DiskService.List', { folderId: obraz.folderId });
  assert.deepEqual(
    seen.disks.map(({ name, size, zoneId }: Record<string, string>) => [name, size, zoneId]),
    [['disk', String(3 * 1024 ** 3), 'us-central1-a']],
  );
});

test('a blank disk has the size that is asked for, or the usual one', async () => {
  await compute.change('POST', 'zones/us-central1-b/disks', { body: { name: 'blank', sizeGb: '10' } });
  await compute.change('POST', 'zones/us-central1-b/disks', { body: { name: 'usual' } });
  const { items } = await compute.get('zones/us-central1-b/disks');
  assert.deepEqual(
    items.map(({ name, sizeGb }: Record<string, string>) => [name, sizeGb]),
    [
      ['blank', '10'],
      ['usual', '500'],
    ],
  );
  const aggregated = await compute.get('aggregated/disks', { includeAllScopes: 'True', returnPartialSuccess: 'True' });
  assert.deepEqual(Object.keys(aggregated.items).sort(), ['zones/us-central1-a', 'zones/us-central1-b']);
  assert.deepEqual(aggregated.items['zones/us-central1-a'].disks.length, 1);
  const filtered = await compute.get('aggregated/disks', { filter: 'sizeGb = 10' });
  assert.deepEqual(Object.keys(filtered.items), ['zones/us-central1-b']);
});

describe('snapshots', () => {
  test('are made of a disk by either method, and give a disk', async () => {
    const asked = await compute.change('POST', `${zone}/disks/disk/createSnapshot`, {
      query: { guestFlush: 'False' },
      body: { name: 'of-disk', labels: { a: 'b' } },
    });
    assert.equal(asked.operationType, 'createSnapshot');
    assert.match(asked.targetLink, /\/zones\/us-central1-a\/disks\/disk$/);
    assert.match(asked.zone, /us-central1-a$/);
    const body = { name: 'inserted', sourceDisk: `${zone}/disks/disk`, storageLocations: ['eu'] };
    const inserted = await compute.change('POST', 'global/snapshots', { body });
    assert.equal(inserted.operationType, 'insert');
    assert.match(inserted.targetLink, /\/global\/snapshots\/inserted$/);

    const disk = await compute.get(`${zone}/disks/disk`);
    const { items } = await compute.get('global/snapshots');
    assert.deepEqual(
      items.map(({ name, sourceDisk, sourceDiskId }: Record<string, string>) => [name, sourceDisk, sourceDiskId]),
      ['inserted', 'of-disk'].map((name) => [name, disk.selfLink, disk.id]),
    );
    const snapshot = await compute.get('global/snapshots/inserted');
    assert.equal(snapshot.diskSizeGb, '3');
    assert.equal(snapshot.storageBytesStatus, 'UP_TO_DATE');
    assert.deepEqual(snapshot.storageLocations, ['eu']);
    assert.deepEqual(snapshot.guestOsFeatures, [{ type: 'GVNIC' }]);

    await compute.change('POST', `${zone}/disks`, { body: { name: 'again', sourceSnapshot: snapshot.selfLink } });
    const again = await compute.get(`${zone}/disks/again`);
    assert.deepEqual([again.sourceSnapshot, again.sourceSnapshotId], [snapshot.selfLink, snapshot.id]);
    await compute.change('POST', 'global/images', {
      body: { name: 'back', sourceSnapshot: 'global/snapshots/inserted' },
    });
    assert.equal((await compute.get('global/images/back')).sourceSnapshot, snapshot.selfLink);
  });

  test('have labels', async () => {
    const { labelFingerprint } = await compute.get('global/snapshots/of-disk');
    const path = 'global/snapshots/of-disk/setLabels';
    await compute.change('POST', path, { body: { labels: { c: 'd' }, labelFingerprint } });
    assert.deepEqual((await compute.get('global/snapshots/of-disk')).labels, { c: 'd' });
    await compute.refused(412, 'POST', path, { body: { labels: {}, labelFingerprint } });
  });
});

test('a disk grows, gets labels, and is a source of images', async () => {
  const larger = await compute.change('POST', `${zone}/disks`, {
    body: { name: 'larger', sourceImage: 'global/images/image', sizeGb: '7' },
  });
  assert.equal(larger.warnings[0].code, 'DISK_SIZE_LARGER_THAN_IMAGE_SIZE');
  assert.match(larger.warnings[0].message, /^Disk size: '7 GB' is larger than image size: '1 GB'\./);
  const grown = await compute.change('POST', `${zone}/disks/disk/resize`, { body: { sizeGb: '5' } });
  assert.equal(grown.operationType, 'resize');
  assert.equal((await compute.get(`${zone}/disks/disk`)).sizeGb, '5');
  const smaller = await compute.refused(400, 'POST', `${zone}/disks/disk/resize`, { body: { sizeGb: '4' } });
  assert.match(smaller.message, /^Invalid value for field 'sizeGb': '4'\./);
  const { labelFingerprint } = await compute.get(`${zone}/disks/disk`);
  await compute.change('POST', `${zone}/disks/disk/setLabels`, { body: { labels: {}, labelFingerprint } });
  assert.equal((await compute.get(`${zone}/disks/disk`)).labels, undefined);
  const { project } = compute;
  const forms = [
    `${links}projects/${project}/${zone}/disks/disk`,
    `http://${obraz.endpoint}/compute/v1/projects/${project}/${zone}/disks/disk`,
    `projects/${project}/${zone}/disks/disk`,
    `${zone}/disks/disk`,
    `/${zone}/disks/disk`,
    `/compute/v1/projects/${project}/${zone}/disks/disk`,
  ];
  for (const [index, sourceDisk] of forms.entries()) {
    await compute.change('POST', 'global/images', { body: { name: `of-disk-${index}`, sourceDisk } });
    assert.equal((await compute.get(`global/images/of-disk-${index}`)).sourceDisk, forms[0]);
  }
});

test('an image of a disk that is being written to must be forced', async () => {
  const { body } = await door.call('DiskService.List', { folderId: obraz.folderId, filter: 'name = "disk"' });
  const attached = await door.call('AttachmentService.Create', { diskId: body.disks[0].id });
  const image = { name: 'of-used', sourceDisk: `${zone}/disks/disk` };
  const refused = await compute.refused(400, 'POST', 'global/images', { body: image });
  assert.equal(refused.errors[0].reason, 'resourceInUseByAnotherResource');
  assert.match(refused.message, /^The disk resource 'projects\/.*\/disks\/disk' is already being used by 'projects\//);
  const forced = await compute.change('POST', 'global/images', { query: { forceCreate: 'True' }, body: image });
  assert.equal(forced.error, undefined);
  const inUse = await compute.refused(400, 'DELETE', `${zone}/disks/disk`);
  assert.equal(inUse.errors[0].reason, 'resourceInUseByAnotherResource');
  await door.call('AttachmentService.Delete', { attachmentId: attached.body.id });
});

describe('refusals', () => {
  const cases: readonly [string, number, Record<string, unknown>, RegExp][] = [
    [
      'a size below the image’s',
      400,
      { name: 'x', sourceImage: 'global/images/image', sizeGb: '2' },
      /^Invalid value for field 'resource.sizeGb': '2'. Requested disk size cannot be smaller than the image size \(3 GB\)/,
    ],
    [
      'two sources',
      400,
      { name: 'x', sourceImage: 'family/f', sourceSnapshot: 'global/snapshots/s' },
      /^Invalid resource usage/,
    ],
    [
      'a disk of a disk',
      400,
      { name: 'x', sourceDisk: `${zone}/disks/disk` },
      /^Invalid value for field 'resource.sourceDisk'/,
    ],
    ['a type that is none', 400, { name: 'x', type: 'projects/p/zones/z/diskTypes/tape' }, /tape/],
    [
      'a snapshot that is not there',
      404,
      { name: 'x', sourceSnapshot: 'global/snapshots/none' },
      /^The resource 'projects\/.*\/global\/snapshots\/none' was not found$/,
    ],
    [
      'a name that is taken',
      409,
      { name: 'disk' },
      /^The resource 'projects\/.*\/zones\/us-central1-a\/disks\/disk' already exists$/,
    ],
    [
      'a policy of snapshots',
      400,
      { name: 'x', resourcePolicies: ['daily'] },
      /^Invalid value for field 'resource.resourcePolicies'/,
    ],
  ];
  for (const [what, status, body, message] of cases) {
    test(what, async () => {
      assert.match((await compute.refused(status, 'POST', `${zone}/disks`, { body })).message, message);
    });
  }

  test('a zone that is none', async () => {
    await compute.refused(404, 'POST', 'zones/mars-a/disks', { body: { name: 'x' } });
    await compute.refused(404, 'GET', 'zones/mars-a');
    await compute.refused(404, 'GET', 'zones/mars-a/operations');
    await compute.refused(404, 'GET', 'zones/us-central1-b/disks/disk');
  });
});

test('there are zones, and types in each', async () => {
  const zones = await compute.get('zones');
  assert.deepEqual(
    zones.items.map(({ name, status, region }: Record<string, string>) => [name, status, region?.split('/').at(-1)]),
    [
      ['us-central1-a', 'UP', 'us-central1'],
      ['us-central1-b', 'UP', 'us-central1'],
    ],
  );
  assert.equal((await compute.get(`${zone}/diskTypes/pd-ssd`)).zone, zones.items[0].selfLink);
  assert.deepEqual(Object.keys((await compute.get('aggregated/diskTypes')).items), [
    'zones/us-central1-a',
    'zones/us-central1-b',
  ]);
  assert.equal((await compute.get(`projects/${compute.project}`)).name, compute.project);
});

test('everything can be deleted again', async () => {
  for (const path of [
    'global/snapshots/of-disk',
    'global/snapshots/inserted',
    `${zone}/disks/disk`,
    `${zone}/disks/again`,
  ]) {
    const operation = await compute.change('DELETE', path);
    assert.equal(operation.operationType, 'delete');
    assert.equal(operation.error, undefined);
    await compute.refused(404, 'GET', path);
  }
});
