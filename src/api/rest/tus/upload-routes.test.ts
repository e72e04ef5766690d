import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { authorized, type FakeDeps, startApi, subjectId, type TestApi } from '../../../../test/fixtures/api-fixture.ts';
import { failedPrecondition, permissionDenied, resourceExhausted } from '../../../errors.ts';
import type { AppendToUpload } from '../../../uploads/append-to-upload.ts';
import type { CreateUpload } from '../../../uploads/create-upload.ts';
import type { Upload } from '../../../uploads/upload.ts';

const id = 'uplaaaaaaaaaaaaaaaaa';
const base64 = (value: string) => Buffer.from(value).toString('base64');
const tus = { ...authorized, 'tus-resumable': '1.0.0' };
const part = { ...tus, 'content-type': 'application/offset+octet-stream' };

function someUpload(change: Partial<Upload> = {}): Upload {
  return {
    id,
    folderId: 'b1g',
    createdBy: subjectId,
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    lengthBytes: 100,
    durableBytes: 40,
    metadata: `filename ${base64('disk.raw')}`,
    expiresAt: new Date('2026-01-03T03:04:05.678Z'),
    operationId: undefined,
    grows: false,
    ...change,
  };
}

/** One upload, of which 40 bytes of 100 are there, and what is asked of it. */
async function start(change: FakeDeps['uploads'] = {}, more: FakeDeps = {}) {
  const seen = { created: [] as CreateUpload[], appended: [] as AppendToUpload[], bodies: [] as Buffer[] };
  const api = await startApi({
    ...more,
    uploads: {
      getUpload: async () => someUpload(),
      settleUpload: async () => someUpload(),
      listUploads: async () => [someUpload()],
      deleteUpload: async () => {},
      createUpload: async (request) => {
        seen.created.push(request);
        return someUpload({ ...request, durableBytes: 0 });
      },
      appendToUpload: async (request) => {
        seen.appended.push(request);
        const body = await buffer(request.body);
        seen.bodies.push(body);
        return someUpload({ durableBytes: request.offsetBytes + body.length });
      },
      ...change,
    },
  });
  return { ...seen, api, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

const uploads = ({ url }: TestApi, path = '') => `${url}/obraz/v1/uploads${path}`;

async function errorOf(response: Response) {
  const { message, details } = (await response.json()) as { message: string; details: Record<string, unknown>[] };
  const reason = details.find((detail) => 'reason' in detail)?.reason;
  return { status: response.status, reason, message };
}

test('begins an upload, and says where it is', async () => {
  await using service = await start();
  const metadata = `filename ${base64('disk.raw')},folderId ${base64('b1g')}`;
  const headers = { ...tus, 'upload-length': '100', 'upload-metadata': metadata, 'x-request-id': 'mine' };
  const response = await fetch(uploads(service.api), { method: 'POST', headers });
  assert.equal(response.status, 201);
  const told = Object.fromEntries(response.headers);
  assert.equal(told.location, `/obraz/v1/uploads/${id}`);
  assert.equal(told['tus-resumable'], '1.0.0');
  assert.equal(told['upload-expires'], 'Sat, 03 Jan 2026 03:04:05 GMT');
  assert.equal(told['x-request-id'], 'mine');
  assert.equal(told['upload-offset'], undefined);
  assert.deepEqual(service.created, [{ folderId: 'b1g', lengthBytes: 100, metadata }]);
  assert.deepEqual(service.appended, []);
});

test('takes the beginning of the file with it', async () => {
  await using service = await start();
  const headers = { ...part, 'upload-length': '100', 'obraz-folder-id': 'b1g' };
  const response = await fetch(uploads(service.api), { method: 'POST', headers, body: 'hello' });
  assert.deepEqual([response.status, response.headers.get('upload-offset')], [201, '5']);
  assert.deepEqual(service.created, [{ folderId: 'b1g', lengthBytes: 100, metadata: '' }]);
  assert.deepEqual(service.bodies, [Buffer.from('hello')]);
});

test('says how far an upload is', async () => {
  await using service = await start({ settleUpload: async () => someUpload({ operationId: 'fd8op' }) });
  const response = await fetch(uploads(service.api, `/${id}`), { method: 'HEAD', headers: tus });
  assert.equal(response.status, 200);
  const told = Object.fromEntries(response.headers);
  assert.deepEqual([told['upload-offset'], told['upload-length']], ['40', '100']);
  assert.equal(told['upload-metadata'], `filename ${base64('disk.raw')}`);
  assert.equal(told['cache-control'], 'no-store');
  assert.equal(told['obraz-operation-id'], 'fd8op');
});

test('takes more of the file, also by POST', async () => {
  await using service = await start();
  const checksum = `sha256 ${'A'.repeat(43)}=`;
  for (const [method, override] of [['PATCH'], ['POST', 'PATCH']] as const) {
    const headers: Record<string, string> = { ...part, 'upload-offset': '40', 'upload-checksum': checksum };
    if (override !== undefined) headers['x-http-method-override'] = override;
    const response = await fetch(uploads(service.api, `/${id}`), { method, headers, body: 'hello' });
    assert.deepEqual([response.status, response.headers.get('upload-offset')], [204, '45']);
  }
  assert.deepEqual(service.bodies, [Buffer.from('hello'), Buffer.from('hello')]);
  const [first] = service.appended;
  assert.deepEqual([first?.uploadId, first?.offsetBytes, first?.bodyLength], [id, 40, 5]);
  assert.deepEqual(first?.checksum, { algorithm: 'sha256', value: Buffer.alloc(32) });
});

test('takes bodies that no other route would', async () => {
  await using service = await start();
  const body = Buffer.alloc(5 * 1024 * 1024, 'x');
  const headers = { ...part, 'upload-offset': '0' };
  assert.equal((await fetch(uploads(service.api, `/${id}`), { method: 'PATCH', headers, body })).status, 204);
  assert.ok(service.bodies[0]?.equals(body));
  const elsewhere = { method: 'PATCH', headers, body };
  assert.equal((await fetch(`${service.api.url}/compute/v1/images/${id}`, elsewhere)).status, 413);
});

test('deletes, lists and shows uploads', async () => {
  const deleted: string[] = [];
  await using service = await start({
    deleteUpload: async ({ uploadId }, subject) => void deleted.push(`${uploadId} of ${subject}`),
  });
  const response = await fetch(uploads(service.api, `/${id}`), { method: 'DELETE', headers: tus });
  assert.deepEqual([response.status, deleted], [204, [`${id} of ${subjectId}`]]);
  const shown = {
    id,
    folderId: 'b1g',
    createdAt: '2026-01-02T03:04:05.678Z',
    createdBy: subjectId,
    filename: 'disk.raw',
    length: '100',
    offset: '40',
    expiresAt: '2026-01-03T03:04:05.678Z',
    uri: `obraz:upload/${id}`,
  };
  const list = await fetch(uploads(service.api, '?folderId=b1g'), { headers: authorized });
  assert.deepEqual(await list.json(), { uploads: [shown] });
  assert.deepEqual(await (await fetch(uploads(service.api, `/${id}`), { headers: authorized })).json(), shown);
});

test('says to anybody what it speaks, and to nobody else anything', async () => {
  await using service = await start();
  const response = await fetch(uploads(service.api), { method: 'OPTIONS' });
  assert.equal(response.status, 204);
  const told = Object.fromEntries(response.headers);
  assert.equal(told['tus-version'], '1.0.0');
  assert.equal(told['tus-extension'], 'creation,creation-with-upload,termination,expiration,checksum');
  assert.equal(told['tus-max-size'], '1024');
  assert.equal(told['tus-checksum-algorithm'], 'sha1,sha256,sha512');
  for (const authorization of ['', 'Bearer t1.other.token']) {
    for (const method of ['HEAD', 'PATCH', 'DELETE']) {
      const refused = await fetch(uploads(service.api, `/${id}`), { method, headers: { ...part, authorization } });
      assert.equal(refused.status, 401);
    }
    const headers = { ...tus, authorization, 'upload-length': '1' };
    assert.equal((await fetch(uploads(service.api), { method: 'POST', headers })).status, 401);
  }
});

test('asks whether the subject may, for every verb', async () => {
  const authorize = async () => {
    throw permissionDenied('no');
  };
  await using service = await start({}, { authorize });
  const headers = { ...part, 'upload-offset': '40', 'upload-length': '1', 'obraz-folder-id': 'b1g' };
  for (const method of ['HEAD', 'PATCH', 'DELETE', 'GET']) {
    assert.equal((await fetch(uploads(service.api, `/${id}`), { method, headers })).status, 403, method);
  }
  assert.equal((await fetch(uploads(service.api), { method: 'POST', headers })).status, 403);
  assert.deepEqual([service.created, service.appended], [[], []]);
});

const refusals: readonly (readonly [what: string, change: Record<string, string>, status: number, reason: string])[] = [
  ['another version', { 'tus-resumable': '0.2.2' }, 412, 'TUS_VERSION'],
  ['no length', { 'upload-length': '' }, 400, 'INVALID_REQUEST'],
  ['a length that is none', { 'upload-length': '-1' }, 400, 'INVALID_REQUEST'],
  ['a length to be told later', { 'upload-length': '', 'upload-defer-length': '1' }, 400, 'INVALID_REQUEST'],
  ['a part of a larger upload', { 'upload-concat': 'partial' }, 400, 'INVALID_REQUEST'],
  ['broken metadata', { 'upload-metadata': 'a b c' }, 400, 'INVALID_REQUEST'],
  ['two folders', { 'upload-metadata': `folderId ${base64('b1h')}` }, 400, 'INVALID_REQUEST'],
  ['no folder', { 'obraz-folder-id': '' }, 400, 'INVALID_REQUEST'],
];
for (const [what, change, status, reason] of refusals) {
  test(`refuses to begin with ${what}`, async () => {
    await using service = await start();
    const all = { ...tus, 'upload-length': '100', 'obraz-folder-id': 'b1g', ...change };
    const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    const response = await fetch(uploads(service.api), { method: 'POST', headers });
    assert.equal(response.headers.get('tus-version'), '1.0.0');
    assert.deepEqual({ ...(await errorOf(response)), message: '' }, { status, reason, message: '' });
    assert.deepEqual(service.created, []);
  });
}

test('refuses a part that is not described', async () => {
  await using service = await start();
  const send = async (change: Record<string, string>) => {
    const headers = Object.entries({ ...part, 'upload-offset': '40', ...change }).filter(([, value]) => value !== '');
    return errorOf(await fetch(uploads(service.api, `/${id}`), { method: 'PATCH', headers, body: 'hello' }));
  };
  assert.equal((await send({ 'content-type': 'application/json' })).status, 415);
  assert.equal((await send({ 'upload-offset': '' })).status, 400);
  assert.equal((await send({ 'upload-offset': '1e3' })).status, 400);
  assert.equal((await send({ 'upload-checksum': 'crc32 AAAA' })).status, 400);
  assert.equal((await send({ 'upload-checksum': 'sha1' })).status, 400);
  assert.equal((await send({ 'tus-resumable': '' })).status, 412);
  assert.deepEqual(service.appended, []);
  const post = await fetch(uploads(service.api, `/${id}`), { method: 'POST', headers: part, body: 'hello' });
  assert.equal(post.status, 404);
});

test('gives what goes wrong the status that the protocol has for it', async () => {
  const full = resourceExhausted('STORAGE_FULL', 'full');
  const used = failedPrecondition('UPLOAD_IN_USE', 'used');
  const fail = (error: Error) => async () => {
    throw error;
  };
  await using service = await start({ appendToUpload: fail(full), deleteUpload: fail(used) });
  const headers = { ...part, 'upload-offset': '40' };
  const appended = await fetch(uploads(service.api, `/${id}`), { method: 'PATCH', headers, body: 'hello' });
  assert.deepEqual(await errorOf(appended), { status: 507, reason: 'STORAGE_FULL', message: 'full' });
  const deleted = await fetch(uploads(service.api, `/${id}`), { method: 'DELETE', headers });
  assert.deepEqual(await errorOf(deleted), { status: 409, reason: 'UPLOAD_IN_USE', message: 'used' });
});

test('says of a disk that is full under it what every other call says', async () => {
  await using service = await start({
    appendToUpload: async () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    },
  });
  const headers = { ...part, 'upload-offset': '40' };
  const response = await fetch(uploads(service.api, `/${id}`), { method: 'PATCH', headers, body: 'hello' });
  const { status, reason } = await errorOf(response);
  assert.deepEqual([status, reason], [507, 'STORAGE_FULL']);
});

test('takes away what it began when its first bytes cannot be kept', async () => {
  const deleted: string[] = [];
  await using service = await start({
    appendToUpload: async () => {
      throw resourceExhausted('STORAGE_FULL', 'full');
    },
    deleteUpload: async ({ uploadId }) => void deleted.push(uploadId),
  });
  const headers = { ...part, 'upload-length': '100', 'obraz-folder-id': 'b1g' };
  const response = await fetch(uploads(service.api), { method: 'POST', headers, body: 'hello' });
  assert.deepEqual([response.status, deleted], [507, [id]]);
});

/** A client that sends the head of a PATCH and then what the test wants. */
function sendPart({ address }: TestApi, headers: readonly string[]) {
  const socket = connect({ host: address.host, port: address.port });
  socket.on('error', () => {}); // 'close' follows
  const head = [
    `PATCH /obraz/v1/uploads/${id} HTTP/1.1`,
    'host: x',
    ...Object.entries(part).map(([name, value]) => `${name}: ${value}`),
    'content-length: 1000000000',
  ];
  socket.write(`${[...head, ...headers].join('\r\n')}\r\n\r\n`);
  return socket;
}

test('answers while a client still sends, and then lets it go', async () => {
  await using service = await start();
  const socket = sendPart(service.api, []);
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  const sending = setInterval(() => socket.writable && socket.write(Buffer.alloc(64 * 1024)), 10);
  // Not `once` of events, which rejects at the reset that a client gets who goes on sending for too long.
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(sending);
  assert.match(answer, /^HTTP\/1\.1 400 .*connection: close.*Upload-Offset: is required/is);
});

test('notices when the client leaves', async () => {
  const begun = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  await using service = await start({
    appendToUpload: async ({ body, signal }) => {
      body.resume();
      begun.resolve();
      await once(signal, 'abort');
      left.resolve();
      throw new Error('the client left');
    },
  });
  const socket = sendPart(service.api, ['upload-offset: 40']);
  socket.write(Buffer.alloc(1000));
  await begun.promise;
  socket.destroy();
  await left.promise;
});
