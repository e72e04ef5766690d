import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { checkServerIdentity, connect } from 'node:tls';
import { InstallationBroken } from './installation-broken.ts';
import { ensureTls, type TlsMaterial } from './tls.ts';

const hosts = ['localhost', '127.0.0.1', '::1', 'images.example.com'];
const dayMs = 24 * 60 * 60 * 1000;

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'obraz-tls-'));

/** An HTTPS server on a free port that says ok. */
async function serveOk(tls: TlsMaterial) {
  const server = createServer({ cert: tls.certificate, key: tls.privateKey }, (_, response) => response.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: address.port, [Symbol.dispose]: close };
}

test('makes an authority and a server certificate that Node accepts by every name', async () => {
  await using directory = await temporaryDirectory();
  const material = await ensureTls({ directory: directory.path, hosts, now: new Date() });
  const ca = await readFile(material.authorityPath, 'utf8');
  using server = await serveOk(material);
  for (const host of hosts) {
    const socket = connect({
      port: server.port,
      host: '127.0.0.1',
      ca,
      servername: isIP(host) === 0 ? host : '',
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    });
    await once(socket, 'secureConnect');
    assert.ok(socket.authorized, host);
    socket.destroy();
  }
});

test('keeps what is there, and keys to their owner', async () => {
  await using directory = await temporaryDirectory();
  const now = new Date();
  const first = await ensureTls({ directory: directory.path, hosts, now });
  assert.deepEqual(await ensureTls({ directory: directory.path, hosts, now }), first);
  assert.deepEqual((await readdir(directory.path)).sort(), ['ca-key.pem', 'ca.pem', 'server-key.pem', 'server.pem']);
  for (const name of ['ca-key.pem', 'server-key.pem']) {
    assert.equal((await stat(join(directory.path, name))).mode & 0o777, 0o600);
  }
});

test('renews the server certificate in its last 30 days and for other hosts, under the same authority', async () => {
  await using directory = await temporaryDirectory();
  const now = new Date();
  const first = await ensureTls({ directory: directory.path, hosts, now });
  const ca = await readFile(first.authorityPath, 'utf8');
  const in330Days = new Date(now.getTime() + 330 * dayMs);
  assert.equal((await ensureTls({ directory: directory.path, hosts, now: in330Days })).certificate, first.certificate);
  const in336Days = new Date(now.getTime() + 336 * dayMs);
  const renewed = await ensureTls({ directory: directory.path, hosts, now: in336Days });
  assert.notEqual(renewed.certificate, first.certificate);
  const fewer = await ensureTls({ directory: directory.path, hosts: ['localhost'], now: in336Days });
  assert.equal(new X509Certificate(fewer.certificate).subjectAltName, 'DNS:localhost');
  assert.equal(await readFile(first.authorityPath, 'utf8'), ca);
});

test('completes after a crash between any two of its files', async () => {
  const order = ['ca-key.pem', 'ca.pem', 'server-key.pem', 'server.pem'];
  for (let written = 0; written < order.length; written++) {
    await using directory = await temporaryDirectory();
    const now = new Date();
    await ensureTls({ directory: directory.path, hosts, now });
    for (const name of order.slice(written)) await rm(join(directory.path, name));
    await writeFile(join(directory.path, `.${order[written]}.new`), 'half a fi');
    const tls = await ensureTls({ directory: directory.path, hosts, now });
    const certificate = new X509Certificate(tls.certificate);
    assert.ok(certificate.verify(new X509Certificate(await readFile(tls.authorityPath)).publicKey));
    assert.deepEqual((await readdir(directory.path)).sort(), order.toSorted(), `after ${written} files`);
  }
});

test('makes the server certificate anew when a renewal was cut off between its key and its certificate', async () => {
  await using directory = await temporaryDirectory();
  await using other = await temporaryDirectory();
  const now = new Date();
  const first = await ensureTls({ directory: directory.path, hosts, now });
  const { privateKey } = await ensureTls({ directory: other.path, hosts, now });
  await writeFile(join(directory.path, 'server-key.pem'), privateKey);
  const tls = await ensureTls({ directory: directory.path, hosts, now });
  assert.notEqual(tls.certificate, first.certificate);
});

test('says what to do when the authority cannot be used', async () => {
  await using directory = await temporaryDirectory();
  const now = new Date();
  await ensureTls({ directory: directory.path, hosts, now });
  await rm(join(directory.path, 'ca-key.pem'));
  await ensureTls({ directory: directory.path, hosts, now });
  const refused = (error: unknown) => error instanceof InstallationBroken && /restore/.test(error.message);
  await assert.rejects(ensureTls({ directory: directory.path, hosts: ['other'], now }), refused);
  await writeFile(join(directory.path, 'ca.pem'), 'not a certificate');
  await assert.rejects(ensureTls({ directory: directory.path, hosts, now }), refused);
});

const openssl = spawnSync('openssl', ['version']).status === 0;
test('passes the strict checks of OpenSSL', { skip: openssl ? false : 'needs openssl (package openssl)' }, async () => {
  await using directory = await temporaryDirectory();
  await ensureTls({ directory: directory.path, hosts, now: new Date() });
  for (const name of ['-verify_hostname=localhost', '-verify_ip=127.0.0.1', '-verify_ip=::1']) {
    const [flag = '', value = ''] = name.split('=');
    const run = spawnSync(
      'openssl',
      ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.pem', flag, value, 'server.pem'],
      { cwd: directory.path, encoding: 'utf8' },
    );
    assert.equal(run.stdout, 'server.pem: OK\n', run.stderr);
  }
});

const curl = spawnSync('curl', ['--version']).status === 0;
test('is trusted by curl', { skip: curl ? false : 'needs curl (package curl)' }, async () => {
  await using directory = await temporaryDirectory();
  const tls = await ensureTls({ directory: directory.path, hosts, now: new Date() });
  using server = await serveOk(tls);
  const child = spawn('curl', ['-sS', '--cacert', tls.authorityPath, `https://localhost:${server.port}/`]);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.equal(Buffer.concat(chunks).toString(), 'ok');
});
