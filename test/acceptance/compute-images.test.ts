import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type ComputeClient, openCompute, rawTarball } from '../fixtures/compute-client.ts';
import { type Door, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { createTenant } from '../fixtures/tenant.ts';

/** Images by the Compute Engine API of a started service, by what its clients send and look at. */

const GIB = 1024 ** 3;
const links = 'https://www.googleapis.com/compute/v1/';

let files: FileServer;
let obraz: Obraz;
let compute: ComputeClient;
let http: HttpClient;
let door: Door;

before(async () => {
  files = await startFileServer();
  obraz = await startObraz({ flags: ['--object-store', files.origin] });
  compute = openCompute(obraz);
  http = openHttp(obraz);
  door = openRestDoor(obraz);
});
after(async () => {
  for (const opened of [door, http, compute, obraz, files]) await opened[Symbol.asyncDispose]();
});

const sha = (algorithm: 'sha1' | 'sha256', bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');

/** Puts a tarball into a bucket; returns what clients call it. */
function putObject(name: string, disk: Uint8Array): { readonly source: string; readonly sha1: string } {
  const bytes = rawTarball(disk);
  files.put(`bucket/${name}`, bytes);
  return { source: `https://storage.googleapis.com/bucket/${name}`, sha1: sha('sha1', bytes) };
}

async function insert(name: string, fields: Record<string, unknown>, query: Record<string, string> = {}) {
  return await compute.change('POST', 'global/images', { query, body: { name, ...fields } });
}

test('a tarball becomes an image that has all that was said of it, and a disk of whole GiB', async () => {
  const disk = noise(3_101_184, 1);
  const { source, sha1 } = putObject('full.tar.gz', disk);
  const said = {
    description: 'all of it',
    family: 'fam',
    labels: { env: 'test', empty: '' },
    guestOsFeatures: [{ type: 'UEFI_COMPATIBLE' }, { type: 'GVNIC' }],
    licenses: ['projects/debian-cloud/global/licenses/debian-12'],
    licenseCodes: ['5543610867827062957'],
    architecture: 'x86_64',
    storageLocations: ['eu'],
    shieldedInstanceInitialState: {
      pk: { content: 'AQID', fileType: 'BIN' },
      dbs: [{ content: 'BA==', fileType: 'X509' }],
    },
  };
  const rawDisk = { source, containerType: 'TAR', sha1Checksum: sha1 };
  const operation = await insert('full', { ...said, sourceType: 'RAW', diskSizeGb: '2', rawDisk });
  assert.equal(operation.error, undefined, JSON.stringify(operation));
  assert.match(operation.name, /^operation-\d+-[0-9a-f]{13}-[0-9a-f]{8}-[0-9a-f]{8}$/);
  assert.equal(operation.kind, 'compute#operation');
  assert.equal(operation.operationType, 'insert');
  assert.equal(operation.progress, 100);
  assert.equal(operation.targetLink, `${links}projects/${compute.project}/global/images/full`);
  assert.equal(operation.selfLink, `${links}projects/${compute.project}/global/operations/${operation.name}`);
  assert.equal(operation.zone, undefined);

  const image = await compute.get('global/images/full');
  const { id, creationTimestamp, archiveSizeBytes, labelFingerprint, ...rest } = image;
  assert.match(id, /^[1-9]\d{0,18}$/);
  assert.equal(id, operation.targetId);
  assert.ok(Math.abs(Date.parse(creationTimestamp) - Date.now()) < 60_000);
  assert.ok(Number(archiveSizeBytes) > 3_000_000);
  assert.match(labelFingerprint, /^[A-Za-z0-9+/]{11}=$/);
  assert.deepEqual(rest, {
    ...said,
    architecture: 'X86_64',
    licenses: [`${links}projects/debian-cloud/global/licenses/debian-12`],
    kind: 'compute#image',
    name: 'full',
    sourceType: 'RAW',
    rawDisk: { source: '', containerType: 'TAR' },
    status: 'READY',
    diskSizeGb: '2',
    selfLink: operation.targetLink,
  });
  assert.deepEqual(await compute.get(`global/images/${id}`), image, 'by its number');
  assert.deepEqual(await compute.get('global/images/family/fam'), image);
  assert.deepEqual((await compute.get('zones/ru-central1-a/imageFamilyViews/fam')).image, image);

  const { body } = await door.call('ImageService.List', { folderId: obraz.folderId, filter: 'name = "full"' });
  const [same] = body.images;
  assert.equal(same.status, 'READY');
  assert.equal(same.size, String(GIB), 'rounded up to a GiB');
  assert.equal(same.minDiskSize, String(2 * GIB));
  assert.deepEqual(same.labels, said.labels);
  const { bytes } = await http.content(same.id, { range: `bytes=0-${disk.length + 4095}` });
  assert.equal(sha('sha256', bytes), sha('sha256', Buffer.concat([disk, Buffer.alloc(4096)])));
});

test('what one door makes the other one has, images and operations alike', async () => {
  const raw = noise(4096, 2);
  const uri = files.put('plain.raw', raw);
  const created = await door.call('ImageService.Create', { folderId: obraz.folderId, uri, family: 'shared' });
  const done = await untilDone(door, created.body.id);
  const imageId = done.response.id;
  const image = await compute.get('global/images/family/shared');
  assert.equal(image.name, imageId, 'it has no name: its id is shown');
  assert.equal((await compute.get(`global/images/${imageId}`)).id, image.id);
  const { items } = await compute.get('global/operations', { maxResults: 1 });
  assert.equal(items[0].targetId, image.id);
  assert.equal(items[0].status, 'DONE');
  assert.equal((await compute.get(`global/operations/${items[0].name}`)).id, items[0].id);
  assert.equal((await compute.get(`global/operations/${items[0].id}`)).name, items[0].name);

  const operation = await compute.change('POST', `global/images/${imageId}/deprecate`, {
    body: { state: 'DEPRECATED', replacement: 'global/images/full' },
  });
  assert.equal(operation.operationType, 'deprecate');
  assert.equal((await compute.get(`global/images/${imageId}`)).deprecated.state, 'DEPRECATED');
  const latest = door.call('ImageService.GetLatestByFamily', { folderId: obraz.folderId, family: 'shared' });
  await assert.rejects(latest, /not found/);
  await compute.refused(404, 'GET', 'global/images/family/shared');
  // Node's client sends this for an empty message: nothing is said of it any more.
  await compute.change('POST', `global/images/${imageId}/deprecate`, { body: '""' });
  assert.equal((await compute.get('global/images/family/shared')).deprecated, undefined);
});

test('an image is made from another by every form of its URL', async () => {
  const { source } = putObject('base.tar.gz', noise(4096, 3));
  await insert('base', { rawDisk: { source }, family: 'base-family', guestOsFeatures: [{ type: 'GVNIC' }] });
  const base = await compute.get('global/images/base');
  const { project } = compute;
  const forms = [
    base.selfLink,
    `http://${obraz.endpoint}/compute/v1/projects/${project}/global/images/base`,
    `projects/${project}/global/images/base`,
    `projects/default/global/images/base`,
    `projects/${project}/global/images/family/base-family`,
    'global/images/base',
    'global/images/family/base-family',
    'family/base-family',
    '/compute/v1/projects/default/global/images/base',
  ];
  for (const [index, sourceImage] of forms.entries()) {
    const operation = await insert(`copy-${index}`, { sourceImage });
    assert.equal(operation.error, undefined, `${sourceImage}: ${JSON.stringify(operation.error)}`);
    const copy = await compute.get(`global/images/copy-${index}`);
    assert.equal(copy.sourceImage, base.selfLink);
    assert.equal(copy.sourceImageId, base.id);
    assert.equal(copy.rawDisk, undefined);
    assert.deepEqual(copy.guestOsFeatures, [{ type: 'GVNIC' }], 'inherited');
  }
});

test('a source that others are recommended for is a warning of the operation', async () => {
  await insert('aged', { sourceImage: 'global/images/full' });
  const replacement = `projects/${compute.project}/global/images/full`;
  await compute.change('POST', 'global/images/aged/deprecate', { body: { state: 'DEPRECATED', replacement } });
  const operation = await insert('of-aged', { sourceImage: 'global/images/aged' });
  const [warning, another] = operation.warnings;
  assert.equal(another, undefined);
  assert.equal(warning.code, 'DEPRECATED_RESOURCE_USED');
  assert.match(
    warning.message,
    /^The resource 'projects\/.*\/global\/images\/aged' is deprecated\. A suggested replacement is/,
  );
  assert.deepEqual(
    warning.data.map(({ key }: { key: string }) => key),
    ['resource_name', 'suggested_replacement'],
  );
});

test('a request that is sent again does its work once', async () => {
  const query = { requestId: '3b241101-e2bb-4255-8caf-4136c566a962' };
  const first = await insert('once', { sourceImage: 'global/images/full' }, query);
  const again = await insert('once', { sourceImage: 'global/images/full' }, query);
  assert.equal(again.name, first.name);
  assert.equal(first.clientOperationId, query.requestId);
  assert.equal((await compute.get(`global/operations/${first.name}`)).clientOperationId, query.requestId);
  const gone = { requestId: '3b241101-e2bb-4255-8caf-4136c566a963' };
  const deleted = await compute.change('DELETE', 'global/images/once', { query: gone });
  assert.equal(deleted.operationType, 'delete');
  assert.match(deleted.targetLink, /\/once$/);
  assert.equal((await compute.change('DELETE', 'global/images/once', { query: gone })).name, deleted.name);
  const zero = { requestId: '00000000-0000-0000-0000-000000000000' };
  await compute.refused(400, 'DELETE', 'global/images/full', { query: zero });
});

test('labels change only where the caller saw them as they are', async () => {
  await insert('labelled', { sourceImage: 'global/images/full' });
  const path = 'global/images/labelled/setLabels';
  const { labelFingerprint } = await compute.get('global/images/labelled');
  assert.equal(labelFingerprint, '42WmSpB8rSM=', 'of no labels');
  const operation = await compute.change('POST', path, { body: { labels: { a: 'b' }, labelFingerprint } });
  assert.equal(operation.operationType, 'setLabels');
  const stale = await compute.refused(412, 'POST', path, { body: { labels: {}, labelFingerprint } });
  assert.equal(stale.message, 'Labels fingerprint either invalid or resource labels have changed');
  assert.deepEqual(stale.errors[0].reason, 'conditionNotMet');
  await compute.refused(412, 'POST', path, { body: { labels: {} } });
  assert.deepEqual((await compute.get('global/images/labelled')).labels, { a: 'b' });
});

test('a patch changes what it says and nothing else', async () => {
  await insert('patched', { sourceImage: 'global/images/full', labels: { keep: 'me' }, family: 'before' });
  // Node's client always sends labels.
  const body = { description: 'changed', family: '', labels: {} };
  const operation = await compute.change('PATCH', 'global/images/patched', { body });
  assert.equal(operation.operationType, 'patch');
  const image = await compute.get('global/images/patched');
  assert.equal(image.description, 'changed');
  assert.equal(image.family, undefined);
  assert.deepEqual(image.labels, { keep: 'me' });
});

describe('lists', () => {
  test('are filtered, sorted and paged', async () => {
    const names = async (query: Record<string, string | number>) =>
      ((await compute.get('global/images', query)).items ?? []).map(({ name }: { name: string }) => name);
    assert.deepEqual(await names({ filter: 'name eq ".*\\bfull\\b.*"' }), ['full']);
    assert.deepEqual(await names({ filter: '(name = copy-*) (sourceImageId != 1)', maxResults: 2 }), [
      'copy-0',
      'copy-1',
    ]);
    assert.deepEqual(await names({ filter: 'labels.keep = me' }), ['patched']);
    assert.deepEqual((await names({ orderBy: 'creationTimestamp desc' }))[0], 'patched');
    const all = await names({});
    const [unnamed, ...named] = all;
    assert.match(unnamed, /^fd8/, 'what has no name comes first');
    assert.deepEqual([...named].sort(), named);
    const walked: string[] = [];
    let pageToken = '';
    do {
      const page = await compute.get('global/images', { maxResults: 3, ...(pageToken === '' ? {} : { pageToken }) });
      walked.push(...page.items.map(({ name }: { name: string }) => name));
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '');
    assert.deepEqual(walked, all);
    const bad = await compute.refused(400, 'GET', 'global/images', { query: { filter: 'name eq *x*' } });
    assert.equal(bad.message, "Invalid value for field 'filter': 'name eq *x*'. Invalid list filter expression.");
  });

  test('of the projects that every client lists, and that nobody made here, are empty', async () => {
    const { items, kind } = await compute.get('projects/debian-cloud/global/images');
    assert.deepEqual([items, kind], [undefined, 'compute#imageList']);
    await compute.refused(404, 'GET', 'projects/no-such-project/global/images');
  });
});

describe('refusals in the words of the public service', () => {
  const image = (name: string) => `projects/${compute.project}/global/images/${name}`;
  const cases: readonly [string, number, string, Record<string, unknown>, (project: string) => string][] = [
    [
      'a name that is taken',
      409,
      'alreadyExists',
      { name: 'full', sourceImage: 'global/images/full' },
      (project) => `The resource 'projects/${project}/global/images/full' already exists`,
    ],
    [
      'a bad name',
      400,
      'invalid',
      { name: 'Bad_', sourceImage: 'global/images/full' },
      () =>
        "Invalid value for field 'resource.name': 'Bad_'. Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'",
    ],
    [
      'no source',
      400,
      'invalidUsage',
      { name: 'x' },
      () => "Invalid resource usage: 'Must specify exactly one source for an image.'.",
    ],
    [
      'two sources',
      400,
      'invalidUsage',
      { name: 'x', sourceImage: 'family/fam', sourceSnapshot: 'global/snapshots/s' },
      () => "Invalid resource usage: 'Must specify exactly one source for an image.'.",
    ],
    [
      'a malformed URL',
      400,
      'invalid',
      { name: 'x', sourceImage: 'nonsense/of/mine' },
      () => "Invalid value for field 'resource.sourceImage': 'nonsense/of/mine'. The URL is malformed.",
    ],
    [
      'a source that is not there',
      404,
      'notFound',
      { name: 'x', sourceImage: 'global/images/none' },
      (project) => `The resource 'projects/${project}/global/images/none' was not found`,
    ],
    [
      'a gs address',
      400,
      'invalid',
      { name: 'x', rawDisk: { source: 'gs://b/x.tar.gz' } },
      () =>
        "Invalid value for field 'resource.rawDisk.source': 'gs://b/x.tar.gz'. The provided source location was not a valid Google Cloud Storage object reference.",
    ],
    [
      'an object that is no tarball',
      400,
      'invalid',
      { name: 'x', rawDisk: { source: 'https://storage.googleapis.com/bucket/x.zip' } },
      () =>
        "Invalid value for field 'resource.rawDisk.source': 'https://storage.googleapis.com/bucket/x.zip'. The provided source is not a supported file.",
    ],
    [
      'a key',
      400,
      'invalid',
      { name: 'x', sourceImage: 'family/fam', imageEncryptionKey: { rawKey: 'c2VjcmV0' } },
      () =>
        "Invalid value for field 'resource.imageEncryptionKey': '(a key)'. Encryption by keys of callers is not supported.",
    ],
    [
      'a field that is not kept',
      400,
      'invalid',
      { name: 'x', sourceImage: 'family/fam', rolloutOverride: { defaultRolloutTime: 'x' } },
      () => 'Invalid JSON payload received. Unknown name "rolloutOverride" at \'image_resource\': Cannot find field.',
    ],
    [
      'a feature that is none',
      400,
      'invalid',
      { name: 'x', sourceImage: 'family/fam', guestOsFeatures: [{ type: 'TELEPATHY' }] },
      () => "Invalid value for field 'resource.guestOsFeatures[].type': 'TELEPATHY'.",
    ],
  ];
  for (const [what, status, reason, body, message] of cases) {
    test(what, async () => {
      const error = await compute.refused(status, 'POST', 'global/images', { body });
      assert.ok(error.message.startsWith(message(compute.project)), error.message);
      assert.equal(error.code, status);
      assert.equal(error.errors[0].reason, reason);
      assert.equal(error.errors[0].domain, 'global');
      assert.equal(error.errors[0].message, error.message);
    });
  }

  test('an image that is not there', async () => {
    for (const [verb, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/deprecate'],
      ['GET', '/getIamPolicy'],
    ] as const) {
      const error = await compute.refused(404, verb, `global/images/none${path}`, {
        ...(verb === 'POST' ? { body: {} } : {}),
      });
      assert.equal(error.message, `The resource '${image('none')}' was not found`);
      assert.equal(error.errors[0].reason, 'notFound');
    }
  });

  test('who shows no token, or may not', async () => {
    const none = await compute.refused(401, 'GET', 'global/images', { token: undefined });
    assert.deepEqual([none.errors[0].location, none.errors[0].reason], ['Authorization', 'required']);
    const bad = await compute.refused(401, 'GET', 'global/images', { token: 'bad' });
    assert.equal(bad.errors[0].reason, 'authError');
    const tenant = await createTenant(door, 'stranger');
    const denied = await compute.refused(403, 'GET', 'global/images', { token: tenant.token });
    assert.equal(denied.message, `Required 'compute.images.list' permission for 'projects/${compute.project}'`);
    const hidden = await compute.refused(404, 'GET', 'global/images/full', { token: tenant.token });
    assert.equal(hidden.message, `The resource '${image('full')}' was not found`);
  });

  test('no method of this API', async () => {
    assert.equal((await compute.refused(404, 'GET', 'global/nothing')).errors[0].reason, 'notFound');
  });
});

test('an import that fails says so in every place that clients look, and leaves nothing', async () => {
  files.put('bucket/broken.tar.gz', Buffer.from('no archive'));
  const operation = await insert('broken', {
    rawDisk: { source: 'https://bucket.storage.googleapis.com/broken.tar.gz' },
  });
  assert.equal(operation.status, 'DONE');
  assert.equal(operation.httpErrorStatusCode, 400);
  assert.equal(operation.httpErrorMessage, 'BAD REQUEST');
  const [error] = operation.error.errors;
  assert.equal(error.code, 'INVALID_IMAGE_TAR');
  assert.match(error.message, /^The tar archive is not a valid image\./);
  await compute.refused(404, 'GET', 'global/images/broken');

  const { source } = putObject('wrong.tar.gz', noise(512, 9));
  const wrong = await insert('wrong', { rawDisk: { source, sha1Checksum: 'a'.repeat(40) } });
  assert.match(wrong.error.errors[0].message, /SHA-1/);
});

test('roles on an image are a policy, changed only by who saw it as it is', async () => {
  const path = 'global/images/full';
  const before = await compute.get(`${path}/getIamPolicy`, { optionsRequestedPolicyVersion: 3 });
  assert.equal(before.bindings, undefined);
  const bindings = [{ role: 'roles/compute.imageUser', members: ['allAuthenticatedUsers'] }];
  const body = { policy: { bindings, etag: before.etag, version: 3 } };
  const set = await compute.ask('POST', `${path}/setIamPolicy`, { body });
  assert.deepEqual(set.json().bindings, bindings);
  const stale = await compute.refused(412, 'POST', `${path}/setIamPolicy`, { body });
  assert.equal(stale.errors[0].reason, 'conditionNotMet');
  const other = await createTenant(door, 'guest');
  const asked = { permissions: ['compute.images.get', 'compute.images.useReadOnly', 'compute.images.delete'] };
  const tested = await compute.ask('POST', `${path}/testIamPermissions`, { body: asked, token: other.token });
  assert.deepEqual(tested.json().permissions, ['compute.images.get', 'compute.images.useReadOnly']);
  const sourceImage = `projects/${compute.project}/global/images/full`;
  const used = await compute.ask('POST', `projects/${other.folderId}/global/images`, {
    body: { name: 'mine', sourceImage },
    token: other.token,
  });
  assert.equal(used.status, 400, 'stored bytes are not shared between clouds');
});

test('the record of an operation that is done can be deleted', async () => {
  const operation = await insert('short', { sourceImage: 'global/images/full' });
  const answer = await compute.ask('DELETE', `global/operations/${operation.name}`);
  assert.ok(answer.status === 200 || answer.status === 204);
  await compute.refused(404, 'GET', `global/operations/${operation.name}`);
  const aggregated = await compute.get('aggregated/operations', { filter: 'operationType eq insert' });
  assert.ok(aggregated.items.global.operations.length > 0);
});
