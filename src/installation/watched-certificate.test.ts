import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { pino } from 'pino';
import { readCertificateFiles } from './certificate-files.ts';
import { type KeyPair, makeAuthority, makeServerCertificate } from './certificates.ts';
import { openWatchedCertificate, type ServedCertificate } from './watched-certificate.ts';

const now = new Date();
const authority = await makeAuthority(now);
const makePair = (host: string) => makeServerCertificate(authority, [host], now);
const own = { ...(await makePair('localhost')), authorityPath: '' };
const silent = pino({ level: 'silent' });

async function certificateFiles(pair: KeyPair) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'obraz-certificate-'));
  const paths = {
    certificatePath: join(directory.path, 'server.pem'),
    keyPath: join(directory.path, 'server-key.pem'),
  };
  const write = async ({ certificate, privateKey }: KeyPair) => {
    await writeFile(paths.certificatePath, certificate);
    await writeFile(paths.keyPath, privateKey);
  };
  await write(pair);
  return { paths, write, [Symbol.asyncDispose]: () => directory.remove() };
}

test('serves the installation’s own certificate when the operator has none', async () => {
  await using certificate = await openWatchedCertificate({ paths: undefined, own, log: silent, onChange() {} });
  assert.deepEqual(certificate.current(), { cert: own.certificate, key: own.privateKey });
  assert.deepEqual(['localhost', 'a.example.com'].map(certificate.isOurHost), [true, false]);
});

test('is called what either certificate says', async () => {
  await using files = await certificateFiles(
    await makeServerCertificate(authority, ['a.example.com', '10.0.0.1'], now),
  );
  const { paths } = files;
  await using certificate = await openWatchedCertificate({ paths, own, log: silent, onChange() {} });
  const hosts = ['a.example.com', '10.0.0.1', 'localhost', 'b.example.com', '10.0.0.2', ''];
  assert.deepEqual(hosts.map(certificate.isOurHost), [true, true, true, false, false, false]);
});

test('serves a new pair once both files are there, and until then the old one, and says why', async () => {
  const [first, second] = [await makePair('a.example.com'), await makePair('b.example.com')];
  await using files = await certificateFiles(first);
  let said = Promise.withResolvers<string>();
  let changed = Promise.withResolvers<ServedCertificate>();
  const log = pino({ level: 'error' }, { write: (line: string) => said.resolve(line) });
  const onChange = (served: ServedCertificate) => changed.resolve(served);
  await using certificate = await openWatchedCertificate({ paths: files.paths, own, log, onChange, everyMs: 5 });
  const old = certificate.current();
  assert.equal(old.cert, first.certificate);

  await writeFile(files.paths.certificatePath, second.certificate);
  assert.match(await said.promise, /server-key.pem is not the key of the first certificate in .*server.pem/);
  assert.equal(certificate.current(), old);

  await writeFile(files.paths.keyPath, second.privateKey);
  assert.deepEqual(await changed.promise, { cert: second.certificate, key: second.privateKey });
  assert.equal(certificate.current().cert, second.certificate);
  assert.equal(certificate.isOurHost('b.example.com'), true);

  said = Promise.withResolvers();
  changed = Promise.withResolvers();
  await writeFile(files.paths.keyPath, 'broken');
  assert.match(await said.promise, /server-key.pem is not a private key in PEM without a password/);
  assert.equal(certificate.current().cert, second.certificate);
  await files.write(first);
  assert.equal((await changed.promise).cert, first.certificate);
});

test('refuses files that cannot be served, and says which', async () => {
  const [one, other] = [await makePair('a.example.com'), await makePair('a.example.com')];
  await using files = await certificateFiles(one);
  const { certificatePath, keyPath } = files.paths;
  const cases: [certificate: string, key: string, message: RegExp][] = [
    ['garbage', one.privateKey, /server.pem is not a certificate in PEM/],
    [one.privateKey, one.privateKey, /server.pem is not a certificate in PEM/],
    [one.certificate, one.certificate, /server-key.pem is not a private key in PEM/],
    [one.certificate, other.privateKey, /is not the key of the first certificate/],
  ];
  for (const [certificate, key, message] of cases) {
    await writeFile(certificatePath, certificate);
    await writeFile(keyPath, key);
    await assert.rejects(readCertificateFiles(files.paths), { name: 'CertificateUnusable', message });
  }
  await assert.rejects(
    readCertificateFiles({ certificatePath: '/nonexistent.pem', keyPath }),
    /cannot be read: ENOENT/,
  );
});
