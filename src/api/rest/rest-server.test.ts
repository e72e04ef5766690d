import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { authorized, someImage, someOperation, startApi } from '../../../test/fixtures/api-fixture.ts';
import type { CreateImage } from '../../images/create-image.ts';
import { imageToJson } from '../../images/image-json.ts';
import type { UpdateImage } from '../../images/update-image.ts';

async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

test('reads a request in camel case and in snake case, with numbers as texts or numbers', async () => {
  const seen: CreateImage[] = [];
  await using api = await startApi({
    images: {
      createImage: async (request) => {
        seen.push(request);
        return someOperation();
      },
    },
  });
  const bodies = [
    '{"folderId":"b1g","minDiskSize":"4194304","productIds":["p"],"imageId":"fd8","os":{"type":"WINDOWS"}}',
    '{"folder_id":"b1g","min_disk_size":4194304,"product_ids":["p"],"image_id":"fd8","os":{"type":2}}',
  ];
  for (const body of bodies) {
    const response = await fetch(`${api.url}/compute/v1/images`, { method: 'POST', headers: authorized, body });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-operation-poll-interval'), '1');
  }
  assert.deepEqual(seen[0], seen[1]);
  assert.equal(seen[0]?.minDiskSizeBytes, 4_194_304);
  assert.deepEqual(seen[0]?.source, { kind: 'image', imageId: 'fd8' });
  assert.deepEqual(seen[0]?.os, { type: 'WINDOWS', nvidiaDriver: '' });
});

test('shows operations as the public API does', async () => {
  const operations = [
    someOperation({ progress: undefined }),
    someOperation({ done: true, result: imageToJson(someImage()) }),
    someOperation({ kind: 'image.delete', done: true, result: {} }),
    someOperation({
      done: true,
      error: { code: 'CANCELLED', reason: 'CANCELLED', message: 'The operation was cancelled', fields: [] },
    }),
  ];
  let next = 0;
  await using api = await startApi({
    operations: {
      getOperation: async () => operations[next++] ?? someOperation(),
      cancelOperation: async () => someOperation(),
    },
    images: {
      getImage: async () => someImage(),
      listImageOperations: async () => ({ operations: [someOperation()], nextPageToken: '' }),
    },
  });
  const get = async (path: string) => json(await fetch(api.url + path, { headers: authorized }));
  const running = await get('/operations/a');
  assert.equal(running.done, false);
  assert.deepEqual(running.metadata, {
    '@type': 'type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata',
    imageId: 'fd8aaaaaaaaaaaaaaaaa',
    progress: { phase: 'QUEUED' },
  });
  const created = await get('/operations/a');
  const image = created.response as Record<string, unknown>;
  assert.equal(image['@type'], 'type.googleapis.com/yandex.cloud.compute.v1.Image');
  assert.equal(image.size, '4294967296');
  assert.equal(image.createdAt, '2026-01-02T03:04:05.678Z');
  assert.equal(image.status, 'READY');
  assert.deepEqual(image.os, { type: 'LINUX' });
  assert.deepEqual(image.hardwareGeneration, { legacyFeatures: { pciTopology: 'PCI_TOPOLOGY_V1' } });
  const deleted = await get('/operations/a');
  assert.deepEqual(deleted.response, { '@type': 'type.googleapis.com/google.protobuf.Empty' });
  const cancelled = await get('/operations/a');
  assert.equal((cancelled.error as Record<string, unknown>).code, 1);
  const list = await get('/compute/v1/images/fd8a/operations');
  assert.equal((list.operations as Record<string, unknown>[])[0]?.done, false);
});

test('cancels by GET and by POST, with and without a body', async () => {
  await using api = await startApi({
    operations: { getOperation: async () => someOperation(), cancelOperation: async () => someOperation() },
  });
  for (const init of [{}, { method: 'POST' }, { method: 'POST', body: '{}' }]) {
    const response = await fetch(`${api.url}/operations/fd8o:cancel`, { ...init, headers: authorized });
    assert.equal(response.status, 200);
  }
});

test('takes the update mask as one text, and the image from the path', async () => {
  const seen: UpdateImage[] = [];
  await using api = await startApi({
    images: {
      getImage: async () => someImage(),
      updateImage: async (request) => {
        seen.push(request);
        return someOperation({ kind: 'image.update', done: true, result: imageToJson(someImage()) });
      },
    },
  });
  const response = await fetch(`${api.url}/compute/v1/images/fd8path`, {
    method: 'PATCH',
    headers: authorized,
    body: JSON.stringify({ imageId: 'fd8body', updateMask: 'name,minDiskSize', name: 'new' }),
  });
  assert.equal(response.status, 200);
  assert.deepEqual(seen[0]?.paths, ['name', 'min_disk_size']);
  assert.equal(seen[0]?.imageId, 'fd8path');
});

const refusals: readonly {
  name: string;
  path: string;
  init?: RequestInit;
  status: number;
  code: number;
  message: RegExp;
}[] = [
  { name: 'an unknown path', path: '/nope', status: 404, code: 5, message: /GET \/nope is no method/ },
  {
    name: 'an unknown verb',
    path: '/compute/v1/images/fd8',
    init: { method: 'PUT' },
    status: 404,
    code: 5,
    message: /GET, PATCH, DELETE would be/,
  },
  { name: 'a broken escape', path: '/operations/%zz', status: 400, code: 3, message: /not a valid url/ },
  {
    name: 'an unknown parameter',
    path: '/compute/v1/images?folderId=b1g&nope=1',
    status: 400,
    code: 3,
    message: /nope: unknown parameter/,
  },
  {
    name: 'a parameter twice',
    path: '/compute/v1/images?folderId=b1g&folder_id=b1g',
    status: 400,
    code: 3,
    message: /folder_id: is given more than once/,
  },
  {
    name: 'a number that is none',
    path: '/compute/v1/images?folderId=b1g&pageSize=many',
    status: 400,
    code: 3,
    message: /page_size: must be a whole number/,
  },
  {
    name: 'malformed JSON',
    path: '/compute/v1/images',
    init: { method: 'POST', body: '{"folderId":\n  oops}' },
    status: 400,
    code: 3,
    message: /not JSON: unexpected character at line 2, column 3/,
  },
  {
    name: 'JSON that ends too early',
    path: '/compute/v1/images',
    init: { method: 'POST', body: '{"folderId":"b1g"' },
    status: 400,
    code: 3,
    message: /it ends too early at line 1, column 18/,
  },
  {
    name: 'a body that is not UTF-8',
    path: '/compute/v1/images',
    init: { method: 'POST', body: new Uint8Array([0x22, 0xff, 0x22]) },
    status: 400,
    code: 3,
    message: /not UTF-8/,
  },
  {
    name: 'a body that is no object',
    path: '/compute/v1/images',
    init: { method: 'POST', body: '[]' },
    status: 400,
    code: 3,
    message: /body: must be a JSON object/,
  },
  {
    name: 'an unknown field, and a wrong one',
    path: '/compute/v1/images',
    init: { method: 'POST', body: '{"folderId":1,"os":{"tpye":"LINUX"},"labels":{"a":1}}' },
    status: 400,
    code: 3,
    message: /folder_id: must be a text; os.tpye: unknown field; labels: must be an object, each value a text/,
  },
  {
    name: 'an unknown enum value',
    path: '/compute/v1/images',
    init: { method: 'POST', body: '{"os":{"type":"BEOS"}}' },
    status: 400,
    code: 3,
    message: /os.type: must be one of TYPE_UNSPECIFIED, LINUX, WINDOWS/,
  },
  {
    name: 'two sources',
    path: '/compute/v1/images',
    init: { method: 'POST', body: '{"folderId":"b1g","uri":"http://a","imageId":"b"}' },
    status: 400,
    code: 3,
    message: /source: uri and imageId exclude each other: give one of image_id, disk_id, snapshot_id, uri/,
  },
  {
    name: 'a body too large',
    path: '/compute/v1/images',
    init: { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) },
    status: 413,
    code: 8,
    message: /at most 1 MiB/,
  },
  {
    name: 'an unusable idempotency key',
    path: '/compute/v1/images/fd8',
    init: { method: 'DELETE', headers: { ...authorized, 'idempotency-key': 'k'.repeat(129) } },
    status: 400,
    code: 3,
    message: /idempotency-key/,
  },
  {
    name: 'no token',
    path: '/compute/v1/images/fd8',
    init: { headers: {} },
    status: 401,
    code: 16,
    message: /has to be passed/,
  },
];

for (const { name, path, init, status, code, message } of refusals) {
  test(`${name} is refused with ${status} and google.rpc.Status`, async () => {
    await using api = await startApi();
    const response = await fetch(api.url + path, { headers: authorized, ...init });
    const body = await json(response);
    assert.equal(response.status, status, JSON.stringify(body));
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(body.code, code);
    assert.match(String(body.message), message);
    const details = body.details as Record<string, unknown>[];
    const info = details.find((detail) => detail['@type'] === 'type.googleapis.com/google.rpc.RequestInfo');
    assert.equal(info?.requestId, response.headers.get('x-request-id'));
  });
}

test('health needs no token, HEAD has no body, a request id is sent back', async () => {
  await using api = await startApi({ images: { getImage: async () => someImage() } });
  const health = await fetch(`${api.url}/health`);
  assert.equal(health.status, 200);
  assert.deepEqual(await json(health), { status: 'SERVING' });
  const url = `${api.url}/compute/v1/images/fd8`;
  const head = await fetch(url, { method: 'HEAD', headers: { ...authorized, 'x-request-id': 'mine' } });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('x-request-id'), 'mine');
  assert.equal(await head.text(), '');
  const get = await fetch(url, { headers: { ...authorized, 'x-request-id': 'not usable: has spaces' } });
  assert.match(get.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
});

test('endpoints are where the client came to', async () => {
  await using api = await startApi();
  const response = await fetch(`${api.url}/endpoints/compute`);
  assert.deepEqual(await json(response), { id: 'compute', address: api.target });
  const unknown = await fetch(`${api.url}/endpoints/storage-api`);
  assert.equal(unknown.status, 404);
});

test('headers past the limit and bytes that are no HTTP are answered with a status', async () => {
  await using api = await startApi();
  for (const [sent, expected] of [
    [`GET /health HTTP/1.1\r\nhost: a\r\nx-long: ${'x'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1\.1 431 .*"code":3/s],
    ['garbage\r\n\r\n', /^HTTP\/1\.1 400 .*"code":3/s],
  ] as const) {
    const socket = connect(api.address.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(sent);
    assert.match(await text(socket), expected);
  }
});
