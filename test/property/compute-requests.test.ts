import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type ComputeClient, openCompute, rawTarball } from '../fixtures/compute-client.ts';
import { type ComputeRequest, computeRequests, type KnownTexts } from '../fixtures/compute-requests.ts';
import { openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type HttpAnswer, type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { createTenant, type Tenant } from '../fixtures/tenant.ts';

/** Whatever is sent to the Compute Engine API: nothing of it is a failure of the service, and every answer is in its form. */

const zone = 'us-central1-a';
const seconds = 1000;

let files: FileServer;
let obraz: Obraz;
let http: HttpClient;
let compute: ComputeClient;
let tenant: Tenant;
let known: KnownTexts;

before(async () => {
  files = await startFileServer();
  const places = ['--zone', zone, '--disk-type', 'pd-standard'];
  obraz = await startObraz({ flags: ['--object-store', files.origin, ...places] });
  http = openHttp(obraz);
  compute = openCompute(obraz);
  await using door = openRestDoor(obraz);
  tenant = await createTenant(door, 'tenant');
  files.put('bucket/disk.tar.gz', rawTarball(noise(8192, 1)));
  const rawDisk = { source: 'https://storage.googleapis.com/bucket/disk.tar.gz' };
  await compute.change('POST', 'global/images', { body: { name: 'image', family: 'family', rawDisk } });
  const operation = await compute.change('POST', `zones/${zone}/disks`, { body: { name: 'disk', sizeGb: '1' } });
  await compute.change('POST', 'global/snapshots', {
    body: { name: 'snapshot', sourceDisk: `zones/${zone}/disks/disk` },
  });
  const { id, labelFingerprint } = await compute.get('global/images/image');
  const names = ['image', 'disk', 'snapshot', 'made', 'none', id];
  known = {
    project: [obraz.folderId, 'default', tenant.folderId, 'tenant', 'none'],
    zone: [zone],
    image: names,
    disk: names,
    snapshot: names,
    resource: names,
    name: ['made', 'image', 'other'],
    family: ['family'],
    operation: [operation.name, operation.id],
    disk_type: ['pd-standard'],
    type: ['pd-standard', `projects/x/zones/${zone}/diskTypes/pd-standard`, 'GVNIC'],
    source: ['https://storage.googleapis.com/bucket/disk.tar.gz', 'https://storage.googleapis.com/bucket/none.tar.gz'],
    source_image: ['global/images/image', 'family/family', `projects/${tenant.folderId}/global/images/image`],
    source_disk: [`zones/${zone}/disks/disk`],
    source_snapshot: ['global/snapshots/snapshot'],
    label_fingerprint: [labelFingerprint],
    architecture: ['X86_64'],
    status: ['READY'],
    state: ['DEPRECATED', 'ACTIVE'],
    role: ['roles/viewer', 'roles/compute.imageUser'],
    members: ['allUsers', `serviceAccount:${tenant.id}`],
    permissions: ['compute.images.get', 'compute.constructor'],
    filter: ['name = image', 'name eq ima.*', 'labels.env:*', 'id > 5'],
    order_by: ['name', 'creationTimestamp desc'],
    max_results: ['1', '500'],
    request_id: ['3b241101-e2bb-4255-8caf-4136c566a962'],
    options_requested_policy_version: ['1', '3'],
    service_project_number: ['1'],
    include_all_scopes: ['True'],
    force_create: ['True', 'false'],
    guest_flush: ['False'],
    size_gb: ['1', '2', '0'],
    disk_size_gb: ['1', '3'],
    storage_locations: ['eu'],
    source_type: ['RAW'],
    container_type: ['TAR'],
    file_type: ['BIN'],
    content: ['AQID'],
  };
});
after(async () => {
  for (const opened of [compute, http, obraz, files]) await opened[Symbol.asyncDispose]();
});

async function ask({ verb, target, body }: ComputeRequest, token: string): Promise<HttpAnswer> {
  const startedAt = performance.now();
  const answer = await http.ask(target, { method: verb, token, ...(body === undefined ? {} : { body }) });
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 5 * seconds, `took ${tookMs} ms`);
  return answer;
}

function checkAnswer({ status, headers, bytes, json }: HttpAnswer): void {
  assert.equal(headers['content-type'], 'application/json; charset=UTF-8');
  assert.ok(status < 500, `${status} ${bytes}\n${obraz.log().slice(-2000)}`);
  assertNoNull(json(), bytes);
  if (status === 200) return;
  const { error } = json();
  assert.equal(error.code, status);
  assert.ok(error.message.length > 0 && error.message.length < 8192, 'the message');
  const [{ message, domain, reason }] = error.errors;
  assert.deepEqual([message, domain], [error.message, 'global']);
  assert.match(reason, /^[a-z][a-zA-Z]+$/);
  assert.notEqual(reason, 'internalError');
}

function assertNoNull(value: unknown, bytes: Buffer): void {
  assert.notEqual(value, null, `null in ${bytes}`);
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) assertNoNull(inner, bytes);
}

test('whatever is asked, the answer is in the form of the API, in time, and no failure of the service', async () => {
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(computeRequests(known), fc.boolean(), async (request, isTenant) => {
      const answer = await ask(request, isTenant ? tenant.token : obraz.token);
      checkAnswer(answer);
      seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
    }),
    { numRuns: 600 },
  );
  for (const status of [200, 400, 403, 404]) assert.ok((seen.get(status) ?? 0) > 0, `no answer was ${status}`);
});
