/**
 * The story of test/clients/google/steps.ts, told with @google-cloud/compute as its users write it: an endpoint and a
 * port, and a token or a key file. Prints `did: STEP` after each step; any other end is a failure.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import compute from '@google-cloud/compute';
import { GoogleAuth, OAuth2Client } from 'google-auth-library';

const { STORY_ENDPOINT = '', STORY_PROJECT: project, STORY_ZONE: zone, STORY_TOKEN, STORY_KEY_FILE } = process.env;
const [apiEndpoint, port] = STORY_ENDPOINT.split(':');
const rawDisk = { source: process.env.STORY_SOURCE };
const selfLinks = `https://www.googleapis.com/compute/v1/projects/${project}`;

function credentials() {
  if (STORY_KEY_FILE !== undefined) {
    const universeDomain = 'obraz.internal';
    const scopes = ['https://www.googleapis.com/auth/cloud-platform'];
    return {
      universeDomain,
      auth: new GoogleAuth({ keyFilename: STORY_KEY_FILE, scopes, clientOptions: { universeDomain } }),
    };
  }
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: STORY_TOKEN });
  return { authClient };
}

const options = { apiEndpoint, port: Number(port), projectId: project, ...credentials() };
const images = new compute.ImagesClient(options);
const views = new compute.ImageFamilyViewsClient(options);
const disks = new compute.DisksClient(options);
const snapshots = new compute.SnapshotsClient(options);
const zones = new compute.ZonesClient(options);
const globalOperations = new compute.GlobalOperationsClient(options);
const zoneOperations = new compute.ZoneOperationsClient(options);

const did = (step) => console.log(`did: ${step}`);

/** As the client's samples wait: the operation as it ended. */
async function finish([{ latestResponse }]) {
  let operation = latestResponse;
  while (operation.status !== 'DONE') {
    const asked = { project, operation: operation.name };
    [operation] = operation.zone
      ? await zoneOperations.wait({ ...asked, zone: operation.zone.split('/').at(-1) })
      : await globalOperations.wait(asked);
  }
  return operation;
}

async function succeed(started) {
  const operation = await finish(await started);
  assert.ok(!operation.error, JSON.stringify(operation.error));
  return operation;
}

async function insertImage(imageResource) {
  await succeed(images.insert({ project, imageResource }));
  const [image] = await images.get({ project, image: imageResource.name });
  assert.equal(image.status, 'READY');
  return image;
}

async function collect(listed) {
  const found = [];
  for await (const each of listed) found.push(each);
  return found;
}

/** The codes of gRPC, though there is none of it on the wire. */
const [invalidArgument, notFound, failedPrecondition] = [3, 5, 9];

const refused = (code, reason) => (error) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, reason);
  return true;
};

await images.list({ project });
did(STORY_KEY_FILE === undefined ? 'access-token' : 'key-file');

const asked = { name: 'story', family: 'tale', description: 'of Node', labels: { made: 'by-node' }, rawDisk };
const image = await insertImage({ ...asked, guestOsFeatures: [{ type: 'UEFI_COMPATIBLE' }] });
assert.equal(image.selfLink, `${selfLinks}/global/images/story`);
assert.deepEqual([image.diskSizeGb, image.labels, image.family], ['1', { made: 'by-node' }, 'tale']);
assert.deepEqual(
  image.guestOsFeatures.map(({ type }) => type),
  ['UEFI_COMPATIBLE'],
);
assert.match(image.id, /^[1-9]\d{0,18}$/);
did('insert');

assert.deepEqual((await images.get({ project, image: image.id }))[0], image);
await assert.rejects(
  images.get({ project, image: 'nothing' }),
  refused(notFound, /projects\/.*\/nothing' was not found/),
);
did('get');

await insertImage({ ...asked, name: 'story-2', labels: {} });
const names = async (request) => (await collect(images.listAsync({ project, ...request }))).map(({ name }) => name);
assert.deepEqual(await names({}), ['story', 'story-2']);
assert.deepEqual(await names({ maxResults: 1 }), ['story', 'story-2']);
assert.deepEqual(await names({ orderBy: 'creationTimestamp desc' }), ['story-2', 'story']);
assert.deepEqual(await names({ filter: '(name eq ".*-2")(family eq tale)' }), ['story-2']);
assert.deepEqual(await names({ filter: 'labels.made = by-node' }), ['story']);
assert.deepEqual(await names({ filter: 'deprecated.state != DEPRECATED' }), ['story', 'story-2']);
await assert.rejects(names({ filter: 'name ~ x' }), refused(invalidArgument, /Invalid list filter expression/));
did('list');

const latest = async () => (await images.getFromFamily({ project, family: 'tale' }))[0].name;
assert.equal(await latest(), 'story-2');
const [view] = await views.get({ project, zone, family: 'tale' });
assert.equal(view.image.name, 'story-2');
did('family');

await succeed(images.patch({ project, image: 'story', imageResource: { description: 'changed', family: 'legend' } }));
const [patched] = await images.get({ project, image: 'story' });
assert.deepEqual([patched.description, patched.family, patched.labels], ['changed', 'legend', { made: 'by-node' }]);
did('patch');

const setLabels = (labelFingerprint, labels) =>
  images.setLabels({ project, resource: 'story', globalSetLabelsRequestResource: { labelFingerprint, labels } });
await succeed(setLabels(patched.labelFingerprint, { made: 'again' }));
assert.deepEqual((await images.get({ project, image: 'story' }))[0].labels, { made: 'again' });
await assert.rejects(
  setLabels(patched.labelFingerprint, {}),
  refused(failedPrecondition, /Labels fingerprint either invalid/),
);
did('set-labels');

const deprecate = (deprecationStatusResource) =>
  succeed(images.deprecate({ project, image: 'story-2', deprecationStatusResource }));
await insertImage({ ...asked, name: 'story-0' });
await deprecate({ state: 'DEPRECATED', replacement: `${selfLinks}/global/images/story-0` });
const [{ deprecated }] = await images.get({ project, image: 'story-2' });
assert.deepEqual([deprecated.state, deprecated.replacement], ['DEPRECATED', `${selfLinks}/global/images/story-0`]);
assert.equal(await latest(), 'story-0');
await succeed(images.delete({ project, image: 'story-0' }));
await assert.rejects(latest(), refused(notFound, /was not found/));
await deprecate({});
assert.equal(await latest(), 'story-2');
did('deprecate');

const [policy] = await images.getIamPolicy({ project, resource: 'story' });
const bindings = [{ role: 'roles/compute.imageUser', members: ['allAuthenticatedUsers'] }];
await images.setIamPolicy({
  project,
  resource: 'story',
  globalSetPolicyRequestResource: { policy: { bindings, etag: policy.etag } },
});
const [changed] = await images.getIamPolicy({ project, resource: 'story' });
assert.deepEqual(
  changed.bindings.map(({ role, members }) => ({ role, members })),
  bindings,
);
const [tested] = await images.testIamPermissions({
  project,
  resource: 'story',
  testPermissionsRequestResource: { permissions: ['compute.images.get', 'compute.images.delete'] },
});
assert.deepEqual(tested.permissions, ['compute.images.get', 'compute.images.delete']);
did('iam-policy');

const requestId = randomUUID();
const twice = { project, requestId, imageResource: { ...asked, name: 'twice' } };
const [first] = await images.insert(twice);
const [second] = await images.insert(twice);
assert.equal(second.latestResponse.name, first.latestResponse.name);
await finish([first]);
did('request-id');

const source = { sourceImage: 'global/images/story' };
const copy = await insertImage({ name: 'copy', ...source });
assert.deepEqual([copy.sourceImage, copy.sourceImageId], [image.selfLink, image.id]);
did('image-from-image');

const [found] = await zones.get({ project, zone });
assert.equal(found.status, 'UP');
await succeed(disks.insert({ project, zone, diskResource: { name: 'disk', sizeGb: 2, ...source } }));
await succeed(disks.resize({ project, zone, disk: 'disk', disksResizeRequestResource: { sizeGb: 3 } }));
const [disk] = await disks.get({ project, zone, disk: 'disk' });
assert.deepEqual([disk.status, disk.sizeGb, disk.sourceImage], ['READY', '3', image.selfLink]);
assert.deepEqual(
  (await collect(disks.listAsync({ project, zone }))).map(({ name }) => name),
  ['disk'],
);
did('disk');

await succeed(snapshots.insert({ project, snapshotResource: { name: 'snapshot', sourceDisk: disk.selfLink } }));
const [snapshot] = await snapshots.get({ project, snapshot: 'snapshot' });
assert.deepEqual([snapshot.status, snapshot.sourceDisk, snapshot.diskSizeGb], ['READY', disk.selfLink, '3']);
did('snapshot');

await insertImage({ name: 'of-disk', sourceDisk: `/zones/${zone}/disks/disk` });
did('image-from-disk');
await insertImage({ name: 'of-snapshot', sourceSnapshot: 'global/snapshots/snapshot' });
did('image-from-snapshot');

const operations = await collect(globalOperations.listAsync({ project }));
const inserts = operations.filter(({ operationType }) => operationType === 'insert');
assert.ok(inserts.length >= 6);
for (const operation of [inserts[0].name, inserts[0].id]) {
  assert.equal((await globalOperations.get({ project, operation }))[0].id, inserts[0].id);
}
did('operations');

const wrong = { name: 'wrong', rawDisk: { source: process.env.STORY_WRONG_SOURCE } };
const failed = await finish(await images.insert({ project, imageResource: wrong }));
assert.deepEqual(
  failed.error.errors.map(({ code }) => code),
  ['INVALID_IMAGE_TAR'],
);
assert.match(failed.error.errors[0].message, /named ''disk.img''/);
assert.equal(failed.httpErrorStatusCode, 400);
await assert.rejects(images.get({ project, image: 'wrong' }), refused(notFound, /was not found/));
did('failed-insert');

await succeed(snapshots.delete({ project, snapshot: 'snapshot' }));
await succeed(disks.delete({ project, zone, disk: 'disk' }));
for (const name of await names({})) await succeed(images.delete({ project, image: name }));
assert.deepEqual(await names({}), []);
await assert.rejects(images.get({ project, image: 'story' }), refused(notFound, /was not found/));
did('delete');
