/**
 * The story of test/clients/google/steps.ts, told with @googleapis/compute as its users write it: a root URL, and a token
 * or a key file. Prints `did: STEP` after each step; any other end is a failure.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { auth, compute } from '@googleapis/compute';

const { STORY_ENDPOINT, STORY_PROJECT: project, STORY_ZONE: zone, STORY_TOKEN, STORY_KEY_FILE } = process.env;
const rawDisk = { source: process.env.STORY_SOURCE };
const selfLinks = `https://www.googleapis.com/compute/v1/projects/${project}`;

function credentials() {
  if (STORY_KEY_FILE !== undefined) {
    const scopes = ['https://www.googleapis.com/auth/compute'];
    return { universeDomain: 'obraz.internal', auth: new auth.GoogleAuth({ keyFilename: STORY_KEY_FILE, scopes }) };
  }
  const client = new auth.OAuth2();
  client.setCredentials({ access_token: STORY_TOKEN });
  return { auth: client };
}

const { images, imageFamilyViews, disks, snapshots, zones, globalOperations, zoneOperations } = compute({
  version: 'v1',
  rootUrl: `https://${STORY_ENDPOINT}/`,
  ...credentials(),
});

const did = (step) => console.log(`did: ${step}`);

/** The operation as it ended, asked for again and again. */
async function finish({ data }) {
  let operation = data;
  while (operation.status !== 'DONE') {
    const asked = { project, operation: operation.name };
    const waited = operation.zone
      ? await zoneOperations.wait({ ...asked, zone: operation.zone.split('/').at(-1) })
      : await globalOperations.wait(asked);
    operation = waited.data;
  }
  return operation;
}

async function succeed(started) {
  const operation = await finish(await started);
  assert.ok(!operation.error, JSON.stringify(operation.error));
  assert.equal(operation.progress, 100);
  return operation;
}

const getImage = async (image) => (await images.get({ project, image })).data;

async function insertImage(requestBody) {
  await succeed(images.insert({ project, requestBody }));
  const image = await getImage(requestBody.name);
  assert.equal(image.status, 'READY');
  return image;
}

const refused = (status, reason) => (error) => {
  assert.equal(error.status, status, error.message);
  assert.match(error.message, reason);
  return true;
};

/** Page after page. */
async function names(request = {}) {
  const found = [];
  let pageToken;
  do {
    const { data } = await images.list({ project, ...request, pageToken });
    assert.equal(data.kind, 'compute#imageList');
    found.push(...(data.items ?? []));
    pageToken = data.nextPageToken;
  } while (pageToken !== undefined);
  return found.map(({ name }) => name);
}

assert.deepEqual(await names(), []);
did(STORY_KEY_FILE === undefined ? 'access-token' : 'key-file');

const asked = { name: 'story', family: 'tale', description: 'of Node', labels: { made: 'by-node' }, rawDisk };
const image = await insertImage({ ...asked, architecture: 'ARM64', storageLocations: ['eu'] });
assert.equal(image.selfLink, `${selfLinks}/global/images/story`);
assert.deepEqual([image.kind, image.diskSizeGb, image.sourceType], ['compute#image', '1', 'RAW']);
assert.deepEqual([image.labels, image.family, image.architecture], [asked.labels, 'tale', 'ARM64']);
assert.deepEqual(image.storageLocations, ['eu']);
assert.ok(Number(image.archiveSizeBytes) > 0);
did('insert');

assert.deepEqual(await getImage(image.id), image);
await assert.rejects(getImage('nothing'), refused(404, /^The resource 'projects\/.*\/nothing' was not found$/));
did('get');

await insertImage({ ...asked, name: 'story-2', labels: {} });
assert.deepEqual(await names(), ['story', 'story-2']);
assert.deepEqual(await names({ maxResults: 1 }), ['story', 'story-2']);
assert.deepEqual(await names({ orderBy: 'creationTimestamp desc' }), ['story-2', 'story']);
assert.deepEqual(await names({ filter: 'name eq ".*-2"' }), ['story-2']);
assert.deepEqual(await names({ filter: '(labels.made = by-node) OR (name = nothing)' }), ['story']);
await assert.rejects(names({ filter: 'name eq *x*' }), refused(400, /Invalid list filter expression/));
did('list');

const latest = async () => (await images.getFromFamily({ project, family: 'tale' })).data.name;
assert.equal(await latest(), 'story-2');
assert.equal((await imageFamilyViews.get({ project, zone, family: 'tale' })).data.image.name, 'story-2');
did('family');

await succeed(images.patch({ project, image: 'story', requestBody: { description: 'changed', family: 'legend' } }));
const patched = await getImage('story');
assert.deepEqual([patched.description, patched.family, patched.labels], ['changed', 'legend', asked.labels]);
did('patch');

const setLabels = (labelFingerprint, labels) =>
  images.setLabels({ project, resource: 'story', requestBody: { labelFingerprint, labels } });
await succeed(setLabels(patched.labelFingerprint, { made: 'again' }));
assert.deepEqual((await getImage('story')).labels, { made: 'again' });
await assert.rejects(setLabels(patched.labelFingerprint, {}), refused(412, /Labels fingerprint either invalid/));
did('set-labels');

const deprecate = (requestBody) => succeed(images.deprecate({ project, image: 'story-2', requestBody }));
const replacement = `${selfLinks}/global/images/story`;
await deprecate({ state: 'OBSOLETE', replacement });
assert.deepEqual((await getImage('story-2')).deprecated, { state: 'OBSOLETE', replacement });
await assert.rejects(latest(), refused(404, /was not found/));
await deprecate({});
assert.equal((await getImage('story-2')).deprecated, undefined);
assert.equal(await latest(), 'story-2');
did('deprecate');

const { data: policy } = await images.getIamPolicy({ project, resource: 'story', optionsRequestedPolicyVersion: 3 });
const bindings = [{ role: 'roles/compute.imageUser', members: ['allAuthenticatedUsers'] }];
const setPolicy = (etag) =>
  images.setIamPolicy({ project, resource: 'story', requestBody: { policy: { bindings, etag } } });
await setPolicy(policy.etag);
assert.deepEqual((await images.getIamPolicy({ project, resource: 'story' })).data.bindings, bindings);
const permissions = ['compute.images.get', 'compute.images.delete'];
const tested = await images.testIamPermissions({ project, resource: 'story', requestBody: { permissions } });
assert.deepEqual(tested.data.permissions, permissions);
did('iam-policy');

const twice = { project, requestId: randomUUID(), requestBody: { ...asked, name: 'twice' } };
const first = await images.insert(twice);
assert.equal((await images.insert(twice)).data.name, first.data.name);
await finish(first);
did('request-id');

const source = { sourceImage: 'projects/PROJECT/global/images/story'.replace('PROJECT', project) };
const copy = await insertImage({ name: 'copy', ...source });
assert.deepEqual([copy.sourceImage, copy.sourceImageId], [image.selfLink, image.id]);
did('image-from-image');

assert.equal((await zones.get({ project, zone })).data.status, 'UP');
await succeed(disks.insert({ project, zone, requestBody: { name: 'disk', sizeGb: '2', ...source } }));
await succeed(disks.resize({ project, zone, disk: 'disk', requestBody: { sizeGb: '3' } }));
const { data: disk } = await disks.get({ project, zone, disk: 'disk' });
assert.deepEqual([disk.status, disk.sizeGb, disk.sourceImage], ['READY', '3', image.selfLink]);
did('disk');

const snapshotRequest = { name: 'snapshot', labels: { a: 'b' } };
await succeed(disks.createSnapshot({ project, zone, disk: 'disk', guestFlush: false, requestBody: snapshotRequest }));
const { data: snapshot } = await snapshots.get({ project, snapshot: 'snapshot' });
assert.deepEqual([snapshot.status, snapshot.sourceDisk, snapshot.labels], ['READY', disk.selfLink, { a: 'b' }]);
did('snapshot');

await insertImage({ name: 'of-disk', sourceDisk: disk.selfLink });
did('image-from-disk');
await insertImage({ name: 'of-snapshot', sourceSnapshot: snapshot.selfLink });
did('image-from-snapshot');

const { data: listed } = await globalOperations.list({ project, filter: 'operationType = insert' });
const [insert] = listed.items;
assert.match(insert.name, /^operation-\d{13}-[0-9a-f]{13}-[0-9a-f]{8}-[0-9a-f]{8}$/);
for (const operation of [insert.name, insert.id]) {
  assert.equal((await globalOperations.get({ project, operation })).data.id, insert.id);
}
did('operations');

const wrong = { name: 'wrong', rawDisk: { source: process.env.STORY_WRONG_SOURCE } };
const failed = await finish(await images.insert({ project, requestBody: wrong }));
assert.deepEqual(
  failed.error.errors.map(({ code }) => code),
  ['INVALID_IMAGE_TAR'],
);
assert.match(failed.error.errors[0].message, /named ''disk.img''/);
assert.deepEqual([failed.httpErrorStatusCode, failed.httpErrorMessage], [400, 'BAD REQUEST']);
await assert.rejects(getImage('wrong'), refused(404, /was not found/));
did('failed-insert');

await succeed(snapshots.delete({ project, snapshot: 'snapshot' }));
await succeed(disks.delete({ project, zone, disk: 'disk' }));
for (const name of await names()) await succeed(images.delete({ project, image: name }));
assert.deepEqual(await names(), []);
await assert.rejects(getImage('story'), refused(404, /was not found/));
did('delete');
