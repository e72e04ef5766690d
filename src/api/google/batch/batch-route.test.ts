import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { authorized, goodToken, someImage, startApi } from '../../../../test/fixtures/api-fixture.ts';
import { notFound } from '../../../errors.ts';

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

test('has a few requests under way at once, and begins no more when the client has left', {
  timeout: 20_000,
}, async () => {
  let begun = 0;
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let full = () => {};
  const tenth = new Promise<void>((resolve) => {
    full = resolve;
  });
  await using api = await startApi({
    images: {
      getImage: async () => {
        begun += 1;
        if (begun === 10) full();
        await gate;
        return someImage();
      },
    },
  });
  const body = batchOf(Array(50).fill('GET /compute/v1/images/a HTTP/1.1'));
  const leaving = new AbortController();
  const headers = { ...authorized, ...type };
  const call = fetch(`${api.url}/batch/compute/v1`, { method: 'POST', headers, body, signal: leaving.signal });
  await tenth;
  leaving.abort();
  await assert.rejects(call, { name: 'AbortError' });
  // Another call is answered behind the news that the client has left.
  await fetch(`${api.url}/health`);
  open();
  await fetch(`${api.url}/health`);
  assert.equal(begun, 10);
});

test('sends the reply as it comes', { timeout: 20_000 }, async () => {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  await using api = await startApi({
    images: {
      getImage: async ({ imageId: id }) => {
        if (id === 'slow') await gate;
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
    if (received.includes('quick')) open();
  });
  await once(socket, 'close');
  assert.match(received, /"id":"slow"/);
});
