import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { byPath, honest, inTurn, redirecting, startBadServer, testBytes } from '../../test/fixtures/bad-server.ts';
import { assertFailure, openSourceBench } from '../../test/fixtures/source-bench.ts';
import { ensureTls } from '../installation/tls.ts';
import { createAddressPolicy, type Lookup } from './address-policy.ts';
import { ownAddresses } from './own-addresses.ts';

const MIB = 1024 * 1024;
const file = testBytes(MIB + 1000);
const publicOnly = createAddressPolicy({ allow: [] });

const spelledLoopback = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '0',
  '0.0.0.0',
  'localhost',
  'localhost.',
  'LOCALHOST',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[2002:7f00:1::]',
  '①②⑦.⓪.⓪.①',
  '１２７.0.0.1',
  'ok@127.0.0.1',
  'example.com@127.0.0.1',
  'example.com:80@127.0.0.1',
  'example.com%2f@127.0.0.1',
];

for (const host of spelledLoopback) {
  test(`does not connect to loop-back spelled ${host}`, async () => {
    await using server = await startBadServer(honest(file));
    await using bench = await openSourceBench();
    const failure = await bench.failure(`http://${host}:${server.port}/`, { policy: publicOnly });
    assertFailure(failure, 'address-not-allowed', /not public.*--allow-source \S+:\d+$/);
    assert.equal(server.connectionCount(), 0);
  });
}

test('the remedy it gives is one that works', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const failure = await bench.failure(server.origin, { policy: publicOnly });
  const entry = /--allow-source (\S+)/.exec(failure.remedy ?? '')?.[1] ?? '';
  const source = await bench.open(server.origin, { policy: createAddressPolicy({ allow: [entry] }) });
  assert.equal(source.sizeBytes, file.length);
});

const forbidden = [
  'http://169.254.169.254/latest/meta-data/',
  'http://[fd00:ec2::254]/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.0.1/',
  'http://100.64.0.1/',
  'http://224.0.0.1/',
  'http://240.0.0.1/',
  'http://[fe80::1]/',
  'http://[ff02::1]/',
  'http://0/',
  'http://8.8.8.8:22/',
];

for (const target of forbidden) {
  test(`does not follow a redirect to ${target}`, async () => {
    await using server = await startBadServer(redirecting(target));
    await using bench = await openSourceBench();
    const failure = await bench.failure(server.origin);
    assertFailure(failure, 'address-not-allowed', /--allow-source/);
  });
}

test('does not follow a redirect to a service beside the allowed one, nor after honest answers', async () => {
  await using inner = await startBadServer(honest(file));
  await using outer = await startBadServer(inTurn(honest(file), redirecting(`${inner.origin}/`)));
  await using bench = await openSourceBench();
  const policy = createAddressPolicy({ allow: [`127.0.0.1:${outer.port}`] });
  const source = await bench.open(outer.origin, { policy });
  await assert.rejects(source.read(MIB, 10), { kind: 'address-not-allowed' });
  assert.equal(inner.connectionCount(), 0);
});

test('reads nothing from the service itself, at once or by a redirect, though its host is allowed', async () => {
  await using itself = await startBadServer(honest(file));
  await using outer = await startBadServer(redirecting(`${itself.origin}/`));
  await using bench = await openSourceBench();
  const isOwn = ownAddresses([{ host: '127.0.0.1', port: itself.port }]);
  const policy = createAddressPolicy({ allow: ['127.0.0.1'], isOwn });
  for (const address of [itself.origin, outer.origin]) {
    assertFailure(await bench.failure(address, { policy }), 'address-not-allowed', /this service itself/);
  }
  assert.equal(itself.connectionCount(), 0);
});

test('asks for the addresses of a name again for every connection', async () => {
  await using server = await startBadServer(
    inTurn(honest(file), (request) => {
      request.socket.destroy();
    }),
  );
  await using bench = await openSourceBench();
  // The name turns inward after the first connection, which is what a rebinding name does.
  const answers = ['127.0.0.1', '127.0.0.2'];
  const lookup: Lookup = async () => [{ address: answers.length > 1 ? (answers.shift() ?? '') : '127.0.0.2' }];
  const policy = createAddressPolicy({ allow: ['127.0.0.1'], lookup });
  const source = await bench.open(`http://turning.example:${server.port}/`, { policy });
  await assert.rejects(source.read(MIB, 10), { kind: 'address-not-allowed' });
  assert.equal(server.connectionCount(), 1);
});

test('connects to the very address that was checked', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  let lookups = 0;
  const lookup: Lookup = async () => {
    lookups += 1;
    return [{ address: lookups === 1 ? '127.0.0.1' : '10.255.255.1' }];
  };
  const policy = createAddressPolicy({ allow: ['127.0.0.1'], lookup });
  const source = await bench.open(`http://turning.example:${server.port}/`, { policy });
  assert.equal(source.sizeBytes, file.length);
  assert.equal(lookups, 1);
});

test('checks the address that a connection reached, whatever the answers were', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const open = createAddressPolicy({ allow: ['127.0.0.1'] });
  const policy = { ...publicOnly, resolve: open.resolve };
  assertFailure(await bench.failure(server.origin, { policy }), 'address-not-allowed', /loop-back/);
  assert.equal(server.seen.length, 0);
});

test('a name that never resolves is given up when the time to connect is over', async () => {
  await using bench = await openSourceBench();
  const policy = createAddressPolicy({ allow: [], lookup: () => new Promise(() => {}) });
  const limits = { connectTimeoutMs: 20 };
  assertFailure(await bench.failure('http://slow.example/', { policy, limits }), 'unreachable', /in time/);
});

test('does not use the proxies that the environment names', async () => {
  await using proxy = await startBadServer(honest(file));
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const names = [
    'http_proxy',
    'HTTP_PROXY',
    'https_proxy',
    'HTTPS_PROXY',
    'all_proxy',
    'ALL_PROXY',
    'NODE_USE_ENV_PROXY',
  ];
  const before = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.origin;
    const source = await bench.open(server.origin);
    assert.equal(source.sizeBytes, file.length);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
  assert.equal(proxy.connectionCount(), 0);
});

test('reads over IPv6', async (t) => {
  const server = await startBadServer(honest(file), { host: '::1' }).catch(() => undefined);
  if (server === undefined) return t.skip('this machine has no IPv6 loop-back');
  await using _ = server;
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  assert.equal(source.sizeBytes, file.length);
  assert.equal(source.identity.url, `${server.origin}/`);
});

test('reads over TLS, and only from a server it can trust', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-sources-tls-'));
  const material = await ensureTls({ directory: directory.path, hosts: ['127.0.0.1', 'localhost'], now: new Date() });
  const ca = await readFile(material.authorityPath, 'utf8');
  await using plain = await startBadServer(honest(file));
  const routes = byPath({ '/a': honest(file), '/down': redirecting(`${plain.origin}/a`) });
  await using server = await startBadServer(routes, {
    tls: { cert: material.certificate, key: material.privateKey },
  });
  await using bench = await openSourceBench();
  const source = await bench.open(`${server.origin}/a`, { ca });
  assert.equal(Buffer.compare(await source.read(0, file.length), file), 0);
  assertFailure(await bench.failure(`${server.origin}/a`), 'tls-failed', /NODE_EXTRA_CA_CERTS/);
  const policy = createAddressPolicy({ allow: ['wrong.example'], lookup: async () => [{ address: '127.0.0.1' }] });
  const wrongName = `https://wrong.example:${server.port}/a`;
  assertFailure(await bench.failure(wrongName, { ca, policy }), 'tls-failed', /ALTNAME/);
  assertFailure(await bench.failure(`${server.origin}/down`, { ca }), 'bad-redirect', /https to plain http/);
  assertFailure(await bench.failure(`https://127.0.0.1:${plain.port}/`, { ca }), 'tls-failed', /https on this port/);
  assert.equal(plain.seen.length, 0);
});
