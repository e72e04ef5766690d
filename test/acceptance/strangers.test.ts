import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, type DescField, type DescMethod, type Message, toBinary } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { Agent, request } from 'undici';
import { methodNames, ruleOf } from '../../src/access/method-rules.ts';
import { newId } from '../../src/lib/ids.ts';
import { apiServices } from '../fixtures/api-services.ts';
import { type Door, openGrpcDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { createTenant, type Tenant } from '../fixtures/tenant.ts';

/**
 * Whoever has rights in his own cloud only asks, by every method, for what is in another and for what is nowhere: he must
 * get the same answers, so that he learns nothing of what there is.
 */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let admin: Door;
let agent: Agent;
let stranger: Tenant;
/** By the names that requests have for them: what is the owner's, and what is the stranger's own. */
let theirs: Things;
let own: Things;

type Things = Readonly<Record<string, string>>;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
  admin = opened.use(openGrpcDoor(obraz));
  agent = new Agent({ connect: { ca: obraz.ca } });
  opened.defer(() => agent.close());
  theirs = await createThings(await createTenant(admin, 'owner'));
  stranger = await createTenant(admin, 'stranger');
  own = await createThings(stranger);
});
after(() => opened.disposeAsync());

async function createThings(tenant: Tenant): Promise<Things> {
  const { folderId, cloudId, token } = tenant;
  const as = { token };
  const uri = files.put('image.raw', noise(4096, 3));
  const started = (await admin.call('ImageService.Create', { folderId, uri }, as)).body;
  const imageId = (await untilDone(admin, started.id)).response.id;
  const place = { folderId, zoneId: 'ru-central1-a', size: 4 * 1024 ** 2 };
  const diskId = (await admin.call('DiskService.Create', place, as)).body.response.id;
  const snapshot = (await admin.call('SnapshotService.Create', { folderId, diskId }, as)).body;
  const attachment = (await admin.call('AttachmentService.Create', { imageId }, as)).body;
  const key = (await admin.call('KeyService.Create', { serviceAccountId: tenant.id }, as)).body;
  const { accessKey } = (await admin.call('AccessKeyService.Create', { serviceAccountId: tenant.id }, as)).body;
  return {
    image_id: imageId,
    disk_id: diskId,
    snapshot_id: (await untilDone(admin, snapshot.id)).response.id,
    folder_id: folderId,
    destination_folder_id: folderId,
    cloud_id: cloudId,
    operation_id: started.id,
    attachment_id: attachment.id,
    service_account_id: tenant.id,
    key_id: key.key.id,
    access_key_id: accessKey.id,
    upload_id: await beginUpload(folderId, token),
  };
}

async function beginUpload(folderId: string, token: string): Promise<string> {
  const headers = { 'upload-length': '10', 'obraz-folder-id': folderId };
  const { location } = (await send('POST', '/obraz/v1/uploads', token, headers)).headers;
  return String(location).split('/').at(-1) ?? '';
}

async function send(verb: 'GET' | 'POST' | 'HEAD' | 'PATCH' | 'DELETE', path: string, token: string, more = {}) {
  const response = await request(`https://${obraz.endpoint}${path}`, {
    method: verb,
    dispatcher: agent,
    headers: { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', ...more },
  });
  return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
}

/** What may be seen of a resource_id depends on the service. */
const resourceOf: Readonly<Record<string, string>> = {
  ImageService: 'image_id',
  DiskService: 'disk_id',
  SnapshotService: 'snapshot_id',
  FolderService: 'folder_id',
  CloudService: 'cloud_id',
};

/** The thing that a field names, if it is one. */
function thingOf(method: DescMethod, { name }: DescField): string | undefined {
  const thing = name === 'resource_id' ? resourceOf[method.parent.name] : name;
  return thing !== undefined && thing in theirs ? thing : undefined;
}

/** Values that make a request well-formed; of fields that are not here nothing is said. */
const wellFormed: Readonly<Record<string, unknown>> = {
  name: 'stranger',
  zone_id: 'ru-central1-a',
  destination_zone_id: 'ru-central1-a',
  size: 4194304n,
  family: 'stranger',
};

/** The request in which `asked` has the id given, and every other field names what is the stranger's own. */
function requestFor(method: DescMethod, asked: DescField, id: string): Message {
  const message = reflect(method.input, create(method.input));
  for (const field of method.input.fields) {
    const thing = thingOf(method, field);
    const value = thing === undefined ? wellFormed[field.name] : own[thing];
    const isOther = field.oneof !== undefined && !field.oneof.fields.includes(asked);
    if (value === undefined || field.fieldKind !== 'scalar' || (field.oneof !== undefined && !isOther)) continue;
    message.set(field, value);
  }
  for (const field of method.input.fields) {
    if (field.name !== 'access_binding_deltas' || field.fieldKind !== 'list' || field.listKind !== 'message') continue;
    const delta = { action: 1, accessBinding: { roleId: 'viewer', subject: { type: 'userAccount', id: 'ajeme' } } };
    message.get(field).add(reflect(field.message, create(field.message, delta)));
  }
  message.set(asked, id);
  return message.message;
}

/** The code and the text of the answer; the id that was asked for is left out of it. */
function call(client: Client, method: DescMethod, message: Message, id: string): Promise<string> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${stranger.token}`);
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.from(toBinary(method.input, message)),
      metadata,
      (error) => resolve(error === null ? 'OK' : `${error.code} ${error.details.replaceAll(id, 'ID')}`),
    );
  });
}

test('every rpc says the same of what is a stranger’s not to see and of what is not there', async () => {
  const endpoint = obraz.endpoint.replace('127.0.0.1', 'localhost');
  const client = new Client(endpoint, credentials.createSsl(Buffer.from(obraz.ca)));
  const asked: string[] = [];
  try {
    for (const method of (await apiServices()).flatMap(({ methods }) => methods)) {
      for (const field of method.input.fields) {
        const thing = thingOf(method, field);
        const theirId = thing === undefined ? undefined : theirs[thing];
        if (theirId === undefined) continue;
        const madeUp = newId(theirId.slice(0, 3));
        const answer = await call(client, method, requestFor(method, field, theirId), theirId);
        const expected = await call(client, method, requestFor(method, field, madeUp), madeUp);
        const name = `${method.parent.typeName}/${method.name}`;
        assert.equal(answer, expected, `${name} ${field.name}`);
        // NOT_FOUND or PERMISSION_DENIED; FAILED_PRECONDITION for the source of a Create.
        assert.match(answer, /^(5 .*not found|7 Permission denied|9 .*not found$)/, `${name} ${field.name}`);
        asked.push(name);
      }
    }
  } finally {
    client.close();
  }
  // Every method that asks for a permission was asked, but for those that are the administrator's, on nothing in particular.
  const notAsked = methodNames.filter(
    (name) => name.includes('Service/') && typeof ruleOf(name) !== 'string' && !asked.includes(name),
  );
  assert.deepEqual(notAsked.sort(), [
    'obraz.v1.NodeService/List',
    'obraz.v1.NodeService/Remove',
    'obraz.v1.PoolService/List',
    'obraz.v1.StoreService/Check',
    'obraz.v1.StoreService/GetSpace',
    'obraz.v1.StoreService/Scrub',
    'yandex.cloud.resourcemanager.v1.CloudService/Create',
  ]);
});

test('so do the routes that are no rpcs', async () => {
  const routes = methodNames.flatMap((name) => {
    const [, verb, path] = /^(GET|HEAD|PATCH|DELETE) (\/obraz\/.*)$/.exec(name) ?? [];
    return verb === undefined || path === undefined ? [] : [{ verb: verb as 'GET', path }]; // one of the four
  });
  assert.equal(routes.length, 5);
  const headers = { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
  for (const { verb, path } of routes) {
    const [, field = ''] = /\{(\w+)\}/.exec(path) ?? [];
    const answers: string[] = [];
    for (const id of [theirs[field] ?? '', newId((theirs[field] ?? '').slice(0, 3))]) {
      const { status, text } = await send(verb, path.replace(`{${field}}`, id), stranger.token, headers);
      assert.equal(status, 404, `${verb} ${path}`);
      answers.push(text.replaceAll(id, 'ID').replaceAll(/"requestId":"[^"]*"/g, ''));
    }
    assert.equal(answers[0], answers[1], `${verb} ${path}`);
  }
  for (const folderId of [theirs.folder_id, newId('b1g')]) {
    const begin = { 'upload-length': '10', 'obraz-folder-id': folderId };
    assert.equal((await send('POST', '/obraz/v1/uploads', stranger.token, begin)).status, 403);
  }
  // Of all clouds together.
  assert.equal((await send('GET', '/metrics', stranger.token)).status, 403);
});

test('lists show a stranger what is his', async () => {
  const as = { token: stranger.token };
  const { body: clouds } = await admin.call('CloudService.List', {}, as);
  assert.deepEqual(
    clouds.clouds.map((cloud: { id: string }) => cloud.id),
    [stranger.cloudId],
  );
  const { body: folders } = await admin.call('FolderService.List', { cloudId: stranger.cloudId }, as);
  assert.deepEqual(
    folders.folders.map((folder: { id: string }) => folder.id),
    [stranger.folderId],
  );
});
