import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { get } from 'node:https';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { connect as connectTls } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { pino } from 'pino';
import { grpcClient, startApi, type TestApi, testCertificates } from '../../test/fixtures/api-fixture.ts';
import { ApiEndpointService } from '../gen/yandex/cloud/endpoint/api_endpoint_service_pb.ts';
import { makeServerCertificate } from '../installation/certificates.ts';
import { protocolOf } from './first-bytes.ts';
import { listen } from './listener.ts';

async function ca(): Promise<string> {
  return (await testCertificates()).authority.certificate;
}

async function httpsGet(port: number, path: string): Promise<{ status: number; body: string }> {
  const asked = get({ port, host: '127.0.0.1', path, ca: await ca(), agent: false });
  const [response] = await once(asked, 'response');
  return { status: response.statusCode, body: await text(response) };
}

async function openSocket(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function answersAll(api: TestApi): Promise<void> {
  // A name and no address: grpc-js takes the target for the TLS server name, which may not be an address.
  const target = `localhost:${api.address.port}`;
  for (const channel of [credentials.createInsecure(), credentials.createSsl(Buffer.from(await ca()))]) {
    using client = grpcClient(target, channel);
    const reply = await client.call(ApiEndpointService.method.get, { apiEndpointId: 'iam' });
    assert.ok(reply.ok, reply.ok ? '' : reply.error.details);
    assert.equal(reply.message.address, target);
  }
  assert.equal((await fetch(`${api.url}/health`)).status, 200);
  assert.equal((await httpsGet(api.address.port, '/health')).status, 200);
}

test('one port answers gRPC and REST, plain and with TLS', async () => {
  await using api = await startApi();
  await answersAll(api);
});

const protocols: readonly [bytes: string, protocol: string | undefined][] = [
  ['', undefined],
  ['\x16', 'tls'],
  ['P', undefined],
  ['PRI ', undefined],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r', undefined],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0', 'http2'],
  ['PRI * HTTP/1', 'http1'],
  ['POST / HTTP/1.1', 'http1'],
  ['GET', 'http1'],
  ['\0', 'http1'],
];

for (const [bytes, protocol] of protocols) {
  test(`${JSON.stringify(bytes)} begins ${protocol ?? 'nothing certain yet'}`, () => {
    assert.equal(protocolOf(Buffer.from(bytes, 'latin1')), protocol);
  });
}

test('a request that arrives byte by byte is answered', async () => {
  await using api = await startApi();
  const socket = await openSocket(api.address.port);
  socket.setNoDelay(true);
  for (const byte of 'POST /nope HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n') {
    await new Promise((resolve) => socket.write(byte, resolve));
  }
  assert.match(await text(socket), /^HTTP\/1.1 404 /);
});

test('a client that ends its side once it has asked is answered', async () => {
  await using api = await startApi();
  const socket = await openSocket(api.address.port);
  socket.end('GET /health HTTP/1.1\r\nhost: a\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1.1 200 /);
});

test('garbage closes its connection, and nothing else', async () => {
  await using api = await startApi();
  for (const bytes of ['\0\xff\x01', '\x16\x03\x01\0\x05garbage', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage', 'PRI']) {
    const socket = await openSocket(api.address.port);
    socket.end(Buffer.from(bytes, 'latin1'));
    socket.resume();
    await once(socket, 'close');
  }
  await answersAll(api);
});

test('who says nothing, or half of a handshake, is cut after a time', async () => {
  const { server } = await testCertificates();
  const listener = await listen({
    address: { host: '127.0.0.1', port: 0 },
    certificate: { cert: server.certificate, key: server.privateKey },
    plaintext: false,
    grpc: { accept: () => assert.fail('nothing to accept') },
    rest: { accept: () => assert.fail('nothing to accept') },
    log: pino({ level: 'silent' }),
    handshakeMs: 100,
  });
  for (const bytes of ['', 'P', 'PRI * HTTP/2.0', '\x16\x03\x01\x02\0\x01']) {
    const socket = await openSocket(listener.address.port);
    socket.write(Buffer.from(bytes, 'latin1'));
    socket.resume();
    await once(socket, 'close');
  }
  listener.stopAccepting();
});

test('TLS without ALPN is sorted by what is said inside', async () => {
  await using api = await startApi();
  const socket = connectTls({ port: api.address.port, host: '127.0.0.1', ca: await ca(), servername: 'localhost' });
  await once(socket, 'secureConnect');
  assert.equal(socket.alpnProtocol, false);
  socket.write('GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1.1 200 /);
});

test('who offers both protocols gets HTTP/1.1; who offers neither is refused', async () => {
  await using api = await startApi();
  const offer = async (...ALPNProtocols: string[]) => {
    const port = api.address.port;
    const socket = connectTls({ port, host: '127.0.0.1', ca: await ca(), servername: 'localhost', ALPNProtocols });
    try {
      await once(socket, 'secureConnect');
      return socket.alpnProtocol;
    } finally {
      socket.destroy();
    }
  };
  assert.equal(await offer('h2', 'http/1.1'), 'http/1.1');
  assert.equal(await offer('h2'), 'h2');
  await assert.rejects(offer('h3'), /alert no application protocol/i);
});

test('a REST client that speaks HTTP/2 is told 415', async () => {
  await using api = await startApi();
  const session = connectHttp2(api.url);
  const stream = session.request({ ':path': '/health' });
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 415);
  session.close();
});

test('separate ports serve one door each, and say so to the clients of the other', async () => {
  await using grpcOnly = await startApi({}, { doors: 'grpc' });
  await using restOnly = await startApi({}, { doors: 'rest' });
  const wrong = await fetch(`${grpcOnly.url}/health`);
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /speaks gRPC only/);
  using client = grpcClient(grpcOnly.target);
  assert.ok((await client.call(ApiEndpointService.method.list, {})).ok);

  assert.equal((await fetch(`${restOnly.url}/health`)).status, 200);
  const session = connectHttp2(restOnly.url);
  session.on('error', () => {});
  const [code, , reason] = await once(session, 'goaway');
  assert.equal(code, 0xd);
  assert.match(String(reason), /speaks REST/);
  session.destroy();
});

const otherAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const skip = otherAddress === undefined && 'this machine has no address but loopback';

test('plain connections come from this machine only, unless they are allowed', { skip }, async () => {
  const host = otherAddress ?? '';
  await using strict = await startApi({}, { address: { host: '0.0.0.0', port: 0 } });
  const refused = await fetch(`http://${host}:${strict.address.port}/health`);
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /use TLS/);
  const session = connectHttp2(`http://${host}:${strict.address.port}`);
  session.on('error', () => {});
  const [code] = await once(session, 'goaway');
  assert.equal(code, 0xc);
  session.destroy();

  await using open = await startApi({}, { address: { host: '0.0.0.0', port: 0 }, plaintext: true });
  assert.equal((await fetch(`http://${host}:${open.address.port}/health`)).status, 200);
});

test('a new certificate is shown to the next client', async () => {
  await using api = await startApi();
  const shown = async () => {
    const socket = connectTls({ port: api.address.port, host: '127.0.0.1', ca: await ca(), servername: 'localhost' });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const before = await shown();
  const { authority } = await testCertificates();
  const renewed = await makeServerCertificate(authority, ['localhost', '127.0.0.1'], new Date());
  api.api.setCertificate({ cert: renewed.certificate, key: renewed.privateKey });
  assert.notEqual(await shown(), before);
});

test('closing refuses new connections, lets running calls end, and cuts the rest in time', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: go, resolve: goOn } = Promise.withResolvers<void>();
  const api = await startApi({
    folders: {
      listClouds: async () => {
        ask();
        await go;
        return { clouds: [], nextPageToken: '' };
      },
    },
  });
  const idle = await openSocket(api.address.port);
  const running = fetch(`${api.url}/resource-manager/v1/clouds`, {
    headers: { authorization: 'Bearer t1.good.token' },
  });
  await asked;
  const closing = api.api.close({ graceMs: 60_000 });
  await assert.rejects(openSocket(api.address.port));
  goOn();
  const response = await running;
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('connection'), 'close');
  await response.text();
  await closing;
  idle.resume();
  if (!idle.closed) await once(idle, 'close');

  const stuck = await startApi({ folders: { listClouds: () => new Promise(() => {}) } });
  const never = fetch(`${stuck.url}/resource-manager/v1/clouds`, {
    headers: { authorization: 'Bearer t1.good.token' },
  });
  never.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  await stuck.api.close({ graceMs: 50 });
  await assert.rejects(never);
});

test('logs a line for each call, without tokens and queries', async () => {
  const stream = new PassThrough();
  await using api = await startApi({ log: pino(stream) });
  await fetch(`${api.url}/compute/v1/images?folderId=secret-query`, {
    headers: { authorization: 'Bearer t1.good.token', 'user-agent': 'test-agent', 'x-request-id': 'r1' },
  });
  await fetch(`${api.url}/nope?X-Amz-Signature=secret-query`);
  await api.api.close({ graceMs: 0 });
  stream.end();
  const lines = (await text(stream)).trim().split('\n');
  assert.equal(lines.length, 2);
  const [listed] = lines.map((line) => JSON.parse(line));
  assert.equal(listed.method, 'yandex.cloud.compute.v1.ImageService/List');
  assert.equal(listed.code, 'OK');
  assert.equal(listed.requestId, 'r1');
  assert.equal(listed.userAgent, 'test-agent');
  assert.equal(listed.subjectId, 'ajeaaaaaaaaaaaaaaaaa');
  assert.ok(!lines.join().includes('secret-query') && !lines.join().includes('t1.good.token'));
});
