import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { authorized, type FakeDeps, startApi } from '../../../../test/fixtures/api-fixture.ts';
import { bucket, openTestBuckets } from '../../../../test/fixtures/bucket-fixture.ts';
import { openTestSqlite } from '../../../../test/fixtures/databases.ts';
import { noise } from '../../../../test/fixtures/guest.ts';
import { folderId } from '../../../../test/fixtures/image-fixture.ts';
import { RoleCache } from '../../../access/role-cache.ts';
import { createTokenKeyPem, readTokenKey } from '../../../access/token-key.ts';
import { bindStorage } from '../../../bind-storage.ts';
import { notFound, permissionDenied } from '../../../errors.ts';

const file = noise(300_000, 9);
const md5 = createHash('md5').update(file).digest('base64');

/** The routes over buckets of their own. Everybody with a token may do everything unless the test says otherwise. */
async function start(t: TestContext, change: FakeDeps = {}) {
  const { buckets, place } = await openTestBuckets(t, openTestSqlite);
  const access = { db: buckets.db, administratorId: 'aje', roles: new RoleCache() };
  const changes: string[] = [];
  const tokenKey = readTokenKey(createTokenKeyPem());
  const storage = bindStorage({ access, buckets, tokenKey, isOurHost: () => true });
  const audit = {
    recordMadeChange: async ({ method, resourceId }: { method: string; resourceId: string }) =>
      void changes.push(`${method} ${resourceId}`),
  };
  const api = await startApi({ storage: { ...storage, findFoldersCalled: async (id) => [{ id }] }, audit, ...change });
  t.after(() => api[Symbol.asyncDispose]());
  const ask = async (method: string, path: string, more: RequestInit & { duplex?: 'half' } = {}) => {
    const url = path.startsWith('http') ? path : `${api.url}${path}`;
    const headers = { ...authorized, ...more.headers };
    const response = await fetch(url, { ...more, method, headers, redirect: 'manual' });
    const bytes = Buffer.from(await response.arrayBuffer());
    const json = response.headers.get('content-type')?.startsWith('application/json') && bytes.length > 0;
    // biome-ignore lint/suspicious/noExplicitAny: the tests look into replies freely; a wrong path is undefined and fails
    const body: any = json ? JSON.parse(bytes.toString()) : undefined;
    return { status: response.status, headers: response.headers, bytes, body };
  };
  return { api, ask, changes, place };
}

const upload = `/upload/storage/v1/b/${bucket}/o`;
const objects = `/storage/v1/b/${bucket}/o`;
const put = (name: string, body: Uint8Array, headers: Record<string, string> = {}) =>
  ['POST', `${upload}?uploadType=media&name=${encodeURIComponent(name)}`, { body, headers }] as const;

/** Where a resumable upload of this name is. */
async function begin(
  ask: Awaited<ReturnType<typeof start>>['ask'],
  name: string,
  more: RequestInit = {},
): Promise<string> {
  const answer = await ask('POST', `/resumable${upload}?uploadType=resumable&name=${name}`, more);
  assert.equal(answer.status, 200);
  return answer.headers.get('location') ?? '';
}

const part = (first: number | '*', last: number | '*', total: number | '*') => ({
  'content-range': first === '*' ? `bytes */${total}` : `bytes ${first}-${last}/${total}`,
});

test('makes, shows, lists and deletes a bucket', async (t) => {
  const { ask, changes } = await start(t);
  const made = await ask('POST', `/storage/v1/b?project=${folderId}`, { body: '{"name":"b-bucket","location":"eu"}' });
  assert.equal(made.status, 200);
  assert.deepEqual([made.body.kind, made.body.name, made.body.location], ['storage#bucket', 'b-bucket', 'EU']);
  assert.deepEqual((await ask('GET', '/storage/v1/b/b-bucket?alt=json&projection=full')).body, made.body);
  const listed = await ask('GET', `/storage/v1/b?project=${folderId}&prefix=b`);
  assert.deepEqual(listed.body, { kind: 'storage#buckets', items: [made.body] });
  assert.equal((await ask('GET', '/storage/v1/b/b-bucket/storageLayout')).body.bucket, 'b-bucket');
  assert.equal((await ask('GET', '/storage/v1/b/b-bucket/managedFolders')).status, 200);
  assert.equal((await ask('DELETE', '/storage/v1/b/b-bucket')).status, 204);
  const missing = await ask('GET', '/storage/v1/b/b-bucket');
  const message = 'The specified bucket does not exist.';
  const errors = [{ message, domain: 'global', reason: 'notFound' }];
  assert.deepEqual([missing.status, missing.body], [404, { error: { code: 404, message, errors } }]);
  assert.deepEqual(changes, ['POST /storage/v1/b b-bucket', 'DELETE /storage/v1/b/{bucket} b-bucket']);
});

test('says in the words of the public API what is wrong', async (t) => {
  const { ask } = await start(t);
  await ask(...put('x', file));
  const cases: readonly (readonly [status: number, reason: string, Parameters<typeof ask>])[] = [
    [400, 'invalid', ['POST', '/storage/v1/b', { body: '{"name":"b-bucket"}' }]],
    [400, 'invalid', ['POST', `/storage/v1/b?project=${folderId}`, { body: '{' }]],
    [400, 'invalid', ['POST', `/storage/v1/b?project=${folderId}`, { body: '{"name":["a"]}' }]],
    [400, 'invalid', ['POST', `/storage/v1/b?project=${folderId}`, { body: '{"name":"A"}' }]],
    [413, 'uploadTooLarge', ['POST', `/storage/v1/b?project=${folderId}`, { body: ' '.repeat(70_000) }]],
    [409, 'conflict', ['POST', `/storage/v1/b?project=${folderId}`, { body: `{"name":"${bucket}"}` }]],
    [409, 'conflict', ['DELETE', `/storage/v1/b/${bucket}`]],
    [404, 'notFound', ['GET', `${objects}/none`]],
    [404, 'notFound', ['GET', `${objects}/none?alt=media`]],
    [404, 'notFound', ['GET', `${objects}/x?generation=1`]],
    [404, 'notFound', ['DELETE', `${objects}/none`]],
    [404, 'notFound', ['PATCH', `${objects}/x`, { body: '{}' }]],
    [404, 'notFound', ['GET', '/storage/v1/b/a/b/c/d']],
    [400, 'invalid', ['GET', `${objects}?maxResults=-1`]],
    [400, 'invalid', ['POST', upload, { body: 'x' }]],
    [400, 'invalid', ['POST', `${upload}?uploadType=media`, { body: 'x' }]],
    [400, 'invalid', ['POST', `${upload}?uploadType=multipart&name=y`, { body: 'x' }]],
    [400, 'invalid', ['PUT', upload, { body: 'x' }]],
    [404, 'notFound', ['PUT', `${upload}?upload_id=upl00000000000000000`, { body: 'x' }]],
    [412, 'conditionNotMet', ['POST', `${upload}?uploadType=media&name=x&ifGenerationMatch=0`, { body: 'x' }]],
    [400, 'invalid', ['POST', `${upload}?uploadType=media&name=x`, { body: 'x', headers: { 'content-md5': md5 } }]],
    [
      400,
      'invalid',
      ['POST', `${upload}?uploadType=media&name=x`, { body: 'x', headers: { 'x-goog-hash': 'crc32c=AAAAAA==' } }],
    ],
    [400, 'invalid', ['POST', `${upload}?uploadType=media&name=x`, { body: 'x', headers: { 'x-goog-hash': 'md5=!' } }]],
    [401, 'required', ['GET', objects, { headers: { authorization: 'Bearer no' } }]],
  ];
  for (const [status, reason, call] of cases) {
    const answer = await ask(...call);
    assert.deepEqual(
      [answer.status, answer.body?.error?.errors?.[0]?.reason],
      [status, reason],
      `${call[0]} ${call[1]}`,
    );
  }
  assert.ok(file.equals((await ask('GET', `${objects}/x?alt=media`)).bytes), 'what was refused changed nothing');
});

test('takes a file in one request and gives it back, whole and by range', async (t) => {
  const { ask, api, changes } = await start(t);
  const name = 'dir/ä b?#%2F.tar.gz';
  const made = await ask(...put(name, file, { 'content-type': 'image/x' }));
  assert.equal(made.status, 200);
  const { generation, mediaLink, timeCreated } = made.body;
  const path = `${objects}/${encodeURIComponent(name)}`;
  assert.deepEqual(
    [made.body.name, made.body.size, made.body.md5Hash, made.body.contentType],
    [name, '300000', md5, 'image/x'],
  );
  assert.match(generation, /^\d{16}$/);
  assert.equal(mediaLink, `${api.url}/download${path}?generation=${generation}&alt=media`);
  assert.equal(made.body.selfLink, `https://www.googleapis.com${path}`);
  assert.equal(new Date(timeCreated).toISOString(), timeCreated);
  assert.deepEqual((await ask('GET', path)).body, made.body);
  for (const url of [
    mediaLink,
    `${path}?alt=media`,
    `/storage/v1/b/${bucket}/o/dir/${encodeURIComponent('ä b?#%2F.tar.gz')}?alt=media`,
  ]) {
    const whole = await ask('GET', url);
    assert.equal(whole.status, 200, url);
    assert.ok(file.equals(whole.bytes));
    assert.deepEqual(
      [whole.headers.get('content-type'), whole.headers.get('x-goog-generation')],
      ['image/x', generation],
    );
    assert.match(whole.headers.get('x-goog-hash') ?? '', /^crc32c=.{8},md5=/);
  }
  const some = await ask('GET', mediaLink, { headers: { range: 'bytes=10-20' } });
  assert.deepEqual([some.status, some.headers.get('content-range')], [206, 'bytes 10-20/300000']);
  assert.ok(file.subarray(10, 21).equals(some.bytes));
  assert.equal((await ask('GET', mediaLink, { headers: { range: 'bytes=300000-' } })).status, 416);
  assert.equal((await ask('DELETE', path)).status, 204);
  assert.deepEqual((await ask('GET', objects)).body, { kind: 'storage#objects' });
  const recorded = `${bucket}/dir/? b?#%2F.tar.gz`;
  assert.deepEqual(changes, [
    `POST /upload/storage/v1/b/{bucket}/o ${recorded}`,
    `DELETE /storage/v1/b/{bucket}/o/{object} ${recorded}`,
  ]);
});

test('takes a file with what is said of it, as gcloud and as other clients frame it', async (t) => {
  const { ask } = await start(t);
  const said = {
    name: 'x',
    contentType: 'a/b',
    md5Hash: md5,
    metadata: { who: 'me' },
    cacheControl: 'no-store',
    bucket,
  };
  for (const [quote, line] of [
    ["'", '\n'],
    ['"', '\r\n'],
    ['', '\r\n'],
  ] as const) {
    const boundary = '=====123==';
    const head = `--${boundary}${line}Content-Type: application/json${line}${line}${JSON.stringify(said)}${line}--${boundary}${line}Content-Type: c/d${line}${line}`;
    const body = Buffer.concat([Buffer.from(head), file, Buffer.from(`${line}--${boundary}--${line}`)]);
    const headers = { 'content-type': `multipart/related; boundary=${quote}${boundary}${quote}` };
    const made = await ask('POST', `${upload}?uploadType=multipart`, { body, headers });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const { name, contentType, md5Hash, metadata, cacheControl, size } = made.body;
    assert.deepEqual({ name, contentType, md5Hash, metadata, cacheControl, bucket }, said);
    assert.equal(size, '300000');
    const broken = await ask('POST', `${upload}?uploadType=multipart`, {
      body: body.subarray(0, -4 - line.length),
      headers,
    });
    assert.deepEqual(
      [broken.status, broken.body.error.message],
      [400, 'Malformed multipart body: its last boundary is missing.'],
    );
    assert.ok(file.equals((await ask('GET', `${objects}/x?alt=media`)).bytes));
  }
});

test('takes a file in parts, and says how far it is', async (t) => {
  const { ask, changes, place } = await start(t);
  const url = await begin(ask, 'x', {
    body: '{"contentType":"a/b"}',
    headers: { 'x-upload-content-length': '300000' },
  });
  const status = async () => {
    const { status: code, headers } = await ask('PUT', url, { headers: part('*', '*', 300_000) });
    return [code, headers.get('range')];
  };
  assert.deepEqual(await status(), [308, null]);
  const first = await ask('PUT', url, { body: file.subarray(0, 100_000), headers: part(0, 99_999, 300_000) });
  assert.deepEqual([first.status, first.headers.get('range')], [308, 'bytes=0-99999']);
  const gap = await ask('PUT', url, { body: file.subarray(150_000), headers: part(150_000, 299_999, 300_000) });
  assert.equal(gap.status, 503);
  assert.match(
    gap.body.error.message,
    /the upload offset is 150000 byte\(s\), which exceeds already uploaded size of 100000/,
  );
  assert.deepEqual(await status(), [308, 'bytes=0-99999']);
  const overlap = await ask('PUT', url, {
    body: file.subarray(50_000),
    headers: { ...part(50_000, 299_999, 300_000), 'x-goog-hash': `md5=${md5}` },
  });
  assert.deepEqual([overlap.status, overlap.body.md5Hash, overlap.body.contentType], [200, md5, 'a/b']);
  assert.deepEqual(
    (await ask('PUT', url, { headers: part('*', '*', 300_000) })).body,
    overlap.body,
    'who asks again is told again',
  );
  const row = '/upload/storage/v1/b/{bucket}/o';
  assert.deepEqual(changes, [`POST ${row} ${bucket}/x`, `PUT ${row} ${bucket}/x`]);
  assert.equal((await place.keptIds()).length, 1);
});

test('takes a file whose length is told at its end, or never, and an empty one', async (t) => {
  const { ask } = await start(t);
  const late = await begin(ask, 'late');
  assert.equal((await ask('PUT', late, { body: file.subarray(0, 1000), headers: part(0, 999, '*') })).status, 308);
  assert.equal(
    (await ask('PUT', late, { body: file.subarray(1000), headers: part(1000, 299_999, 300_000) })).body.md5Hash,
    md5,
  );
  const streams: readonly Record<string, string>[] = [{}, part(0, '*', '*'), part(0, '*', 300_000)];
  for (const headers of streams) {
    const body = new Blob([new Uint8Array(file)]).stream();
    const made = await ask('PUT', await begin(ask, 'streamed'), { body, duplex: 'half', headers });
    assert.deepEqual([made.status, made.body.md5Hash], [200, md5]);
  }
  assert.equal((await ask('PUT', await begin(ask, 'empty'), { headers: part('*', '*', 0) })).body.size, '0');
  const short = await begin(ask, 'short');
  const wrong = await ask('PUT', short, {
    body: new Blob([new Uint8Array(file)]).stream(),
    duplex: 'half',
    headers: part(0, '*', 10),
  });
  assert.deepEqual([wrong.status, (await ask('PUT', short, { headers: part('*', '*', 10) })).status], [400, 404]);
  for (const range of ['bytes 1-0/5', 'bytes 0-5/5', 'bytes x', 'bytes 0-/5', 'items 0-1/2']) {
    const answer = await ask('PUT', await begin(ask, 'ranges'), { body: 'abc', headers: { 'content-range': range } });
    assert.equal(answer.status, 400, range);
  }
});

test('goes on where a connection broke off, and ends what its client gives up', async (t) => {
  const { ask, api, place } = await start(t);
  const url = new URL(await begin(ask, 'x'));
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const head = [
    `PUT ${url.pathname}${url.search} HTTP/1.1`,
    'host: a',
    `authorization: ${authorized.authorization}`,
    'content-length: 300000',
    'content-range: bytes 0-299999/300000',
    '',
    '',
  ];
  socket.write(head.join('\r\n'));
  socket.write(file.subarray(0, 5000));
  // What was sent has arrived, or is about to: asking takes the upload over, and tells how far it came.
  let reached: string | null = null;
  while (reached === null) {
    reached = (await ask('PUT', url.href, { headers: part('*', '*', 300_000) })).headers.get('range');
    if (reached === null) await wait(20);
  }
  socket.destroy();
  const from = Number(reached.slice('bytes=0-'.length)) + 1;
  assert.ok(from > 0 && from <= 5000);
  const done = await ask('PUT', url.href, { body: file.subarray(from), headers: part(from, 299_999, 300_000) });
  assert.equal(done.body.md5Hash, md5);

  const given = await begin(ask, 'y');
  await ask('PUT', given, { body: file, headers: part(0, 299_999, '*') });
  assert.equal((await ask('DELETE', given)).status, 499);
  assert.equal((await ask('PUT', given, { headers: part('*', '*', '*') })).status, 404);
  assert.equal((await place.keptIds()).length, 1);
});

test('tells a stranger of no bucket, and asks for the right at every route', async (t) => {
  const asked: unknown[] = [];
  const { ask } = await start(t, {
    async authorize(_subject, permission, scope) {
      asked.push([permission, typeof scope === 'object' && 'noun' in scope ? scope.folderId : 'place']);
      if (typeof scope === 'object' && 'noun' in scope) throw notFound(scope.noun, scope.id);
      throw permissionDenied('Permission denied to resource-manager.folder x');
    },
  });
  for (const [name, folder] of [
    [bucket, folderId],
    ['no-bucket', undefined],
  ] as const) {
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/storageLayout'],
      ['GET', '/managedFolders'],
      ['GET', '/o'],
      ['GET', '/o/x'],
      ['GET', '/o/x?alt=media'],
      ['DELETE', '/o/x'],
    ] as const) {
      const answer = await ask(method, `/storage/v1/b/${name}${path}`);
      assert.deepEqual([answer.status, answer.body.error.message], [404, 'The specified bucket does not exist.']);
      assert.deepEqual(asked.pop(), ['compute.images.create', folder]);
    }
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await ask(method, `/upload/storage/v1/b/${name}/o?uploadType=media&name=x&upload_id=y`, {
        body: 'x',
      });
      assert.deepEqual([answer.status, answer.body.error.message], [404, 'The specified bucket does not exist.']);
    }
  }
  for (const [method, body] of [
    ['GET', null],
    ['POST', '{"name":"b-bucket"}'],
  ] as const) {
    const answer = await ask(method, '/storage/v1/b?project=p', { body });
    assert.deepEqual([answer.status, answer.body.error.errors[0].reason], [403, 'forbidden']);
    assert.equal(answer.body.error.message, "Required 'compute.images.create' permission for 'projects/p'");
  }
});
