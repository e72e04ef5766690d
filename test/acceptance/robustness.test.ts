import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { Client, credentials, Metadata, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';
import { type Door, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type HttpAnswer, type HttpCall, type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Clients and sources that do what they should not: each gets its answer, and the service goes on for all others. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let http: HttpClient;
let port: number;
/** Connections that say too little. They are left alone while everything else here happens. */
let silent: readonly { readonly what: string; readonly closedAfterMs: Promise<number> }[];

const images = '/compute/v1/images';
const handshakeMs = 10_000;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
  http = opened.use(openHttp(obraz));
  port = Number(obraz.endpoint.split(':')[1]);
  silent = [
    { what: 'nothing at all', closedAfterMs: closing(plain()) },
    { what: 'the first bytes of a TLS handshake', closedAfterMs: closing(plain(Buffer.from([0x16, 3, 1, 2, 0, 1]))) },
    { what: 'nothing after the TLS handshake', closedAfterMs: closing(tls([])) },
    { what: 'nothing after the TLS handshake, with ALPN', closedAfterMs: closing(tls(['http/1.1'])) },
    { what: 'half of a plain request', closedAfterMs: closing(plain('GET /health HTT')) },
    {
      what: 'headers without an end',
      closedAfterMs: closing(tls(['http/1.1'], 'GET /health HTTP/1.1\r\nhost: x\r\n')),
    },
    { what: 'half of the HTTP/2 preface', closedAfterMs: closing(plain('PRI * HTTP/2.0\r\n\r\n')) },
  ];
});
after(() => opened.disposeAsync());

function plain(text: string | Uint8Array = ''): Socket {
  const socket = connect(port, '127.0.0.1');
  if (text.length > 0) socket.write(text);
  return socket;
}

function tls(ALPNProtocols: string[], text = ''): Socket {
  const socket = connectTls({ port, host: '127.0.0.1', ca: obraz.ca, ALPNProtocols });
  if (text !== '') socket.write(text);
  return socket;
}

async function closing(socket: Socket): Promise<number> {
  const begun = performance.now();
  socket.on('error', () => {}).resume();
  await once(socket, 'close');
  return performance.now() - begun;
}

/** What was said before the connection was closed by the service. */
async function saidBeforeClose(socket: Socket): Promise<string> {
  const said: Buffer[] = [];
  socket.on('error', () => {}).on('data', (data: Buffer) => said.push(data));
  await once(socket, 'close');
  return Buffer.concat(said).toString('latin1');
}

/** No reply tells how the service is made inside. */
function assertShowsNothing(text: string): void {
  assert.doesNotMatch(text, /^\s+at |node_modules|file:\/\/|\.ts:\d|\/src\//m);
}

function assertError(answer: HttpAnswer, status: number, code: number, message: RegExp): void {
  const text = answer.bytes.toString();
  assert.equal(answer.status, status, text);
  assertShowsNothing(text);
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  const body = answer.json();
  assert.equal(body.code, code, text);
  assert.match(body.message, message);
  const requestInfo = body.details.find((detail: { '@type': string }) => detail['@type'].endsWith('RequestInfo'));
  assert.equal(requestInfo?.requestId, answer.headers['x-request-id']);
}

const post = (body: string | Uint8Array, more: HttpCall = {}) => http.ask(images, { method: 'POST', body, ...more });

describe('requests over REST', () => {
  test('that are not JSON, or not the JSON that is meant', async () => {
    const folder = `"folderId":"${obraz.folderId}"`;
    const wrong: [string | Uint8Array, RegExp][] = [
      ['{', /The request body is not JSON: it ends too early at line 1, column 2/],
      ['{"name": nope}', /unexpected character at line 1, column 10/],
      [Buffer.from([0x7b, 0xff, 0x7d]), /it is not UTF-8/],
      ['[]', /body: must be a JSON object/],
      ['null', /body: must be a JSON object/],
      [`{${folder},"nonsense":1}`, /nonsense: unknown field/],
      [`{${folder},"os":{"kind":"LINUX"}}`, /os\.kind: unknown field/],
      [`{${folder},"os":{"type":"BEOS"}}`, /os\.type: must be one of /],
      [`{${folder},"name":7}`, /name: must be a text/],
      [`{${folder},"minDiskSize":"much"}`, /min_disk_size: must be a whole number/],
      [`{${folder},"minDiskSize":"99999999999999999999"}`, /min_disk_size: must be a whole number/],
      [`{${folder},"labels":[]}`, /labels: must be an object/],
      [`{${folder},"uri":"http://x/","imageId":"y"}`, /exclude each other/],
      [`{${folder},"__proto__":{"uri":"http://x/"}}`, /__proto__: unknown field/],
      ['['.repeat(200_000), /not JSON/],
      [`{${folder},"os":${'{"nvidia":'.repeat(5_000)}1${'}'.repeat(5_000)}}`, /./],
    ];
    for (const [body, message] of wrong) assertError(await post(body), 400, 3, message);
    assertError(await post(''), 400, 3, /folder_id/);
    assertError(await http.ask(`${images}?folderId=x&nonsense=1`), 400, 3, /nonsense: unknown parameter/);
    assertError(await http.ask(`${images}?folderId=x&pageSize=ten`), 400, 3, /page_size: must be a whole number/);
  });

  test('that are too large', async () => {
    const large = JSON.stringify({ folderId: obraz.folderId, description: 'x'.repeat(2 << 20) });
    // Whoever sends on while it is refused may see the connection end before the answer.
    const answer = await post(large).catch((error: unknown) => error);
    if (!(answer instanceof Error)) assertError(answer as HttpAnswer, 413, 8, /too large: at most 1 MiB/);
    const header = await saidBeforeClose(plain(`GET /health HTTP/1.1\r\nx: ${'y'.repeat(80_000)}\r\n\r\n`));
    assert.match(header, /^HTTP\/1\.1 431 /);
    assertShowsNothing(header);
    const long = await http.ask(`${images}/${'x'.repeat(4_000)}`);
    assertError(long, 400, 3, /image_id/);
  });

  test('whose content type is another are read as JSON all the same', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      assertError(await post('{}', { headers: { 'content-type': type } }), 400, 3, /folder_id/);
    }
    assertError(await post('{}', { headers: { 'content-type': 'nonsense' } }), 415, 3, /Media Type/);
  });

  test('without a good token', async () => {
    for (const [authorization, message] of [
      [undefined, /^IAM token or API key has to be passed in request$/],
      ['Bearer', /^The token is invalid$/],
      [`Basic ${Buffer.from('a:b').toString('base64')}`, /^The token is invalid$/],
      [`Bearer ${obraz.token}x`, /^The token is invalid$/],
      [`Bearer ${obraz.token} ${obraz.token}`, /^The token is invalid$/],
      [`Bearer ${'x'.repeat(20_000)}`, /^The token is invalid$/],
    ] as const) {
      const headers = authorization === undefined ? {} : { authorization };
      for (const path of [`${images}/x`, '/operations/x', '/obraz/v1/images/x/content', '/obraz/v1/images/x/extents']) {
        assertError(await http.ask(path, { token: undefined, headers }), 401, 16, message);
      }
      // Strangers do not even learn what is wrong with their request.
      assertError(await post('{', { token: undefined, headers }), 401, 16, message);
    }
  });

  test('for what does not exist', async () => {
    for (const path of [
      '/',
      '/compute',
      '/compute/v1/imagesx',
      `${images}/`,
      '/obraz/v1',
      '/../../etc/passwd',
      '/%ff',
    ]) {
      const answer = await http.ask(path);
      assert.ok(answer.status === 404 || answer.status === 400, `${path}: ${answer.status}`);
      assertShowsNothing(answer.bytes.toString());
    }
    assertError(
      await http.ask(images, { method: 'PUT', body: '{}' }),
      404,
      5,
      /PUT .* is no method of this API; .*POST/,
    );
    assertError(await http.ask(`${images}/x:explode`, { method: 'POST', body: '{}' }), 404, 5, /no method of this API/);
    assertError(await http.ask(`${images}/fd8nosuch`), 404, 5, /^Image "fd8nosuch" not found$/);
    assertError(await http.ask('/obraz/v1/images/fd8nosuch/content'), 404, 5, /^Image "fd8nosuch" not found$/);
    assertError(await http.ask('/operations/nosuch'), 404, 5, /^Operation "nosuch" not found$/);
    assertError(await http.ask(`${images}/${encodeURIComponent("x' or 1=1 --")}`), 404, 5, /not found$/);
  });
});

describe('requests over gRPC', () => {
  async function call(method: string, body: Uint8Array): Promise<ServiceError> {
    const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(obraz.ca)));
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${obraz.token}`);
    try {
      return await new Promise((resolve, reject) => {
        client.makeUnaryRequest<Buffer, Buffer>(
          method,
          (bytes) => bytes,
          (bytes) => bytes,
          Buffer.from(body),
          metadata,
          (error) => (error === null ? reject(new Error('it was answered')) : resolve(error)),
        );
      });
    } finally {
      client.close();
    }
  }
  const service = '/yandex.cloud.compute.v1.ImageService';

  test('that cannot be read, are too large, or are for nobody', async () => {
    const cases: [string, Uint8Array, number, RegExp][] = [
      [`${service}/Create`, randomBytes(200).fill(0xff, 0, 16), 3, /not a valid .*CreateImageRequest/],
      [`${service}/Create`, Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), 3, /not a valid/],
      [`${service}/Create`, Buffer.alloc(5 << 20), 8, /larger/],
      [`${service}/Explode`, Buffer.alloc(0), 12, /Explode/],
      ['/yandex.cloud.compute.v1.InstanceService/List', Buffer.alloc(0), 12, /InstanceService/],
    ];
    for (const [method, body, code, message] of cases) {
      const error = await call(method, body);
      assert.equal(error.code, code, `${method}: ${error.details}`);
      assert.match(error.details, message);
      assertShowsNothing(error.details);
    }
  });

  test('of health and reflection clients', async () => {
    const definitions: Parameters<typeof makeGenericClientConstructor>[0][] = [];
    new ReflectionService({}).addToServer({ addService: (definition) => definitions.push(definition) });
    const channel = [`localhost:${port}`, credentials.createSsl(Buffer.from(obraz.ca))] as const;
    const health = new (makeGenericClientConstructor(healthService, 'Health'))(...channel);
    for (const name of ['', 'yandex.cloud.compute.v1.ImageService', 'compute.v1.ImageService']) {
      const status = await new Promise((resolve, reject) => {
        health.Check?.({ service: name }, (error: unknown, reply: { status: string } | undefined) =>
          error === null ? resolve(reply?.status) : reject(error),
        );
      });
      assert.equal(status, 'SERVING', name);
    }
    health.close();
    assert.ok(definitions.length >= 2, 'v1 and v1alpha');
    for (const definition of definitions) {
      const reflection = new (makeGenericClientConstructor(definition, 'ServerReflection'))(...channel);
      const stream = reflection.ServerReflectionInfo?.();
      stream.write({ listServices: '*' });
      const [reply] = await once(stream, 'data');
      const names: string[] = reply.listServicesResponse.service.map(({ name }: { name: string }) => name);
      assert.ok(names.includes('yandex.cloud.compute.v1.ImageService'), names.join());
      assert.ok(names.includes('yandex.cloud.operation.OperationService'));
      stream.end();
      await once(stream.resume(), 'end');
      reflection.close();
    }
  });
});

describe('connections', () => {
  test('of 200 clients that do nothing leave room for others', async () => {
    const idle = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? plain() : tls(['http/1.1'])));
    for (const socket of idle) socket.on('error', () => {});
    await Promise.all(idle.map((socket, index) => once(socket, index % 2 === 0 ? 'connect' : 'secureConnect')));
    await using door = openGrpcDoor(obraz);
    const begun = performance.now();
    await door.call('FolderService.Get', { folderId: obraz.folderId });
    assert.equal((await http.ask('/health')).status, 200);
    assert.ok(performance.now() - begun < 2_000, `${performance.now() - begun} ms`);
    for (const socket of idle) socket.destroy();
  });

  test('that send garbage are closed, and told why where they speak HTTP', async () => {
    const garbage: (string | Uint8Array)[] = [
      randomBytes(4096).fill(0x80, 0, 1),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0]), randomBytes(20_000)]),
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame, is it? it is not, and it goes on and on and on',
      Buffer.alloc(4096),
      'SSH-2.0-OpenSSH_9.9\r\n',
      Buffer.from([5, 1, 0, 13, 10]),
      'GET /health SMTP/1.0\r\n\r\n',
      'GET /health HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST /compute/v1/images HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
    ];
    for (const bytes of garbage) {
      const said = await saidBeforeClose(plain(bytes));
      assertShowsNothing(said);
      if (typeof bytes === 'string' && !bytes.startsWith('PRI')) assert.match(said, /^HTTP\/1\.1 400 /);
    }
    assert.equal((await http.ask('/health')).status, 200);
  });
});

describe('sources', () => {
  after(() => files.limit(Number.POSITIVE_INFINITY));

  async function startSlowImport(door: Door, name: string, bytesPerSecond: number) {
    const uri = files.put(name, noise(24 << 20, 51));
    files.limit(bytesPerSecond);
    const sent = files.sentBytes();
    const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
    // Beyond what is read to find out what the file is.
    while (files.sentBytes() < sent + 8 * 1024) await wait(10);
    const { body: now } = await door.call('OperationService.Get', { operationId: body.id });
    assert.equal(now.done ?? false, false, JSON.stringify(now));
    return body;
  }

  test('a file that changes while it is read fails the import clearly', async () => {
    await using door = openRestDoor(obraz);
    const started = await startSlowImport(door, 'changing.raw', 12 << 20);
    files.put('changing.raw', noise(24 << 20, 52));
    files.limit(Number.POSITIVE_INFINITY);
    const { error } = await untilDone(door, started.id);
    assert.equal(error?.code, 10, JSON.stringify(error));
    assert.match(error.message, /has another ETag than before/);
  });

  test('one that brings next to nothing can be cancelled, and its image deleted, at once', async () => {
    await using door = openGrpcDoor(obraz);
    const cancelled = await startSlowImport(door, 'stuck.raw', 8 << 10);
    let begun = performance.now();
    const { body } = await door.call('OperationService.Cancel', { operationId: cancelled.id });
    assert.ok(performance.now() - begun < 1_000);
    assert.equal(body.error?.code, 1);

    const deleted = await startSlowImport(door, 'stuck.raw', 8 << 10);
    begun = performance.now();
    const { imageId } = deleted.metadata;
    assert.equal((await door.call('ImageService.Delete', { imageId })).body.done, true);
    assert.ok(performance.now() - begun < 1_000);
    assert.equal((await untilDone(door, deleted.id)).error?.code, 1);
  });

  test('a web page where a disk should be is refused as such', async () => {
    await using door = openGrpcDoor(obraz);
    for (const page of ['<!DOCTYPE html><title>Sign in</title>', '\n\n  <html lang="en"><body>404</body></html>']) {
      const uri = files.put('disk.qcow2', Buffer.from(page));
      const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
      const { error } = await untilDone(door, body.id);
      assert.equal(error?.code, 3);
      assert.match(error.message, /HTML/);
      assertShowsNothing(JSON.stringify(error));
    }
  });
});

test('connections that say too little are closed in time', async () => {
  for (const { what, closedAfterMs } of silent) {
    const tookMs = await Promise.race([closedAfterMs, wait(handshakeMs + 5_000, Number.NaN, { ref: false })]);
    assert.ok(tookMs > handshakeMs / 2 && tookMs < 2 * handshakeMs + 2_000, `${what}: ${tookMs} ms`);
  }
  await using grpc = openGrpcDoor(obraz);
  await grpc.call('FolderService.Get', { folderId: obraz.folderId });
  assert.equal((await http.ask('/health')).status, 200);
  assert.doesNotMatch(obraz.log(), /"level":"(error|fatal)"/, 'none of this is a fault of the service');
});
