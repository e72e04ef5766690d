import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { fastify } from 'fastify';
import { pino } from 'pino';
import { authorized, goodToken, someImage, someOperation, startApi } from '../../../../test/fixtures/api-fixture.ts';
import { notFound } from '../../../errors.ts';
import { CallFigures } from '../../call-figures.ts';
import { leavingSignal } from '../../rest/rest-connection.ts';
import { addBatchRoute } from './batch-route.ts';

const type = { 'content-type': 'multipart/mixed; boundary="=== =="' };

function batchOf(parts: readonly string[]): string {
  const written = parts.map(
    (part, index) => `--=== ==\nContent-Type: application/http\nContent-ID: <11aa-bb+${index}>\n\n${part}\n`,
  );
  return `${written.join('')}--=== ==--`;
}

interface PartReply {
  readonly contentId: string | undefined;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function partsOf(response: Response): Promise<PartReply[]> {
  const [, boundary] =
    /^multipart\/mixed; boundary=(batch_[\w-]+)$/.exec(response.headers.get('content-type') ?? '') ?? [];
  const text = await response.text();
  assert.ok(text.startsWith(`--${boundary}\r\n`));
  assert.ok(text.endsWith(`\r\n--${boundary}--\r\n`));
  return text
    .split(`--${boundary}\r\n`)
    .slice(1)
    .map((part) => {
      const [envelope = '', head = '', body = ''] = part.split('\r\n\r\n');
      const [status = '', ...headers] = head.split('\r\n');
      const pairs = headers.map(
        (line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const,
      );
      return {
        contentId: /Content-ID: (.*)/.exec(envelope)?.[1],
        status: Number(/^HTTP\/1\.1 (\d{3}) \w/.exec(status)?.[1]),
        headers: new Headers(pairs.map(([name, value]): [string, string] => [name, value])),
        body: JSON.parse(body.split(`\r\n--${boundary}`)[0] ?? '') as Record<string, unknown>, // the replies of an API in JSON
      };
    });
}

test('answers each request as if it had come alone, in their order, with an id of its own', async () => {
  await using api = await startApi({
    images: {
      getImage: async ({ imageId: id }) => {
        if (id === 'fd8none') throw notFound('Image', id);
        if (id === 'fd8one') await new Promise((resolve) => setImmediate(resolve)); // answered behind others
        return someImage({ id });
      },
      listImages: async () => ({ images: [someImage()], nextPageToken: '' }),
    },
  });
  const response = await fetch(`${api.url}/batch/compute/v1`, {
    method: 'POST',
    headers: { ...authorized, ...type, 'x-request-id': 'outer' },
    body: batchOf([
      'GET /compute/v1/images/fd8one HTTP/1.1\ncontent-length: 0\nHost: elsewhere.example',
      'GET /compute/v1/images/fd8none HTTP/1.1',
      'GET /compute/v1/images/fd8three HTTP/1.1\nAuthorization: Bearer wrong\nx-request-id: mine',
      'GET /compute/v1/images?folderId=b1g&pageSize=1 HTTP/1.1',
      'PATCH /compute/v1/images/fd8four HTTP/1.1\nContent-Type: application/json\n\n{"updateMask"',
      'POST /compute/v1/nothing HTTP/1.1\n\n{}',
    ]),
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-request-id'), 'outer');
  const parts = await partsOf(response);
  assert.deepEqual(
    parts.map(({ contentId, status }) => [contentId, status]),
    [200, 404, 401, 200, 400, 404].map((status, index) => [`<response-11aa-bb+${index}>`, status]),
  );
  assert.equal(parts[0]?.body.id, 'fd8one');
  assert.equal(parts[0]?.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(parts[0]?.headers.get('connection'), null);
  assert.equal(parts[2]?.headers.get('x-request-id'), 'mine');
  assert.equal(new Set(parts.map(({ headers }) => headers.get('x-server-trace-id'))).size, parts.length);
});

test('a request of a batch without a token is a stranger’s', async () => {
  await using api = await startApi({ images: { getImage: async () => someImage() } });
  const body = batchOf([
    'GET /compute/v1/images/a HTTP/1.1',
    `GET /compute/v1/images/b HTTP/1.1\nAuthorization: Bearer ${goodToken}`,
  ]);
  const parts = await partsOf(await fetch(`${api.url}/batch/compute/v1`, { method: 'POST', headers: type, body }));
  assert.deepEqual(
    parts.map(({ status }) => status),
    [401, 200],
  );
});

test('refuses what is no batch in the words of the public API', async () => {
  await using api = await startApi();
  for (const [headers, body] of [
    [{ 'content-type': 'application/json' }, '{}'],
    [type, batchOf(['POST /batch/compute/v1 HTTP/1.1'])],
    [type, ''],
  ] as const) {
    const response = await fetch(`${api.url}/batch/compute/v1`, { method: 'POST', headers, body });
    assert.equal(response.status, 400);
    const { error } = (await response.json()) as { error: { message: string } }; // checked below
    const message = error.message;
    assert.match(message, /^Failed to parse batch request, error: /);
    assert.deepEqual(error, {
      code: 400,
      message,
      errors: [{ message, domain: 'global', reason: 'badRequest' }],
      status: 'INVALID_ARGUMENT',
    });
  }
});

test('when the client leaves, what is under way is aborted and no more is begun', { timeout: 20_000 }, async (t) => {
  const app = fastify();
  t.after(() => app.close());
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  addBatchRoute(app, { log: pino({ level: 'silent' }), figures: new CallFigures() });
  let begun = 0;
  let aborted = 0;
  const full = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  app.get('/compute/v1/wait', async (_request, reply) => {
    begun += 1;
    if (begun === 10) full.resolve();
    await once(leavingSignal(reply), 'abort');
    aborted += 1;
    if (aborted === 10) left.resolve();
    return '';
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const body = batchOf(Array(50).fill('GET /compute/v1/wait HTTP/1.1'));
  const leaving = new AbortController();
  const call = fetch(`${url}/batch/compute/v1`, { method: 'POST', headers: type, body, signal: leaving.signal });
  await full.promise;
  leaving.abort();
  await assert.rejects(call, { name: 'AbortError' });
  await left.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(begun, 10);
});

test('sends the reply as it comes', { timeout: 20_000 }, async () => {
  const gate = Promise.withResolvers<void>();
  await using api = await startApi({
    images: {
      getImage: async ({ imageId: id }) => {
        if (id === 'slow') await gate.promise;
        return someImage({ id });
      },
    },
  });
  const body = batchOf(['GET /compute/v1/images/quick HTTP/1.1', 'GET /compute/v1/images/slow HTTP/1.1']);
  const { host, port } = api.address;
  const socket = connect(port, host);
  socket.write(
    `POST /batch/compute/v1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${goodToken}\r\n` +
      `content-type: ${type['content-type']}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  let received = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    received += text;
    if (received.includes('quick')) gate.resolve();
  });
  await once(socket, 'close');
  assert.match(received, /"id":"slow"/);
});

test('a request of a batch may take longer than a request may take to arrive', { timeout: 20_000 }, async (t) => {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  await using api = await startApi({
    images: {
      updateImage: async () => {
        begun.resolve();
        await gate.promise;
        return someOperation();
      },
      getImage: async () => someImage(),
    },
  });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const body = batchOf(['PATCH /compute/v1/images/a HTTP/1.1\n\n{"updateMask": "name", "name": "b"}']);
  const call = fetch(`${api.url}/batch/compute/v1`, { method: 'POST', headers: { ...authorized, ...type }, body });
  await begun.promise;
  t.mock.timers.tick(61_000);
  t.mock.timers.reset();
  gate.resolve();
  const [part] = await partsOf(await call);
  assert.equal(part?.status, 200);
});
