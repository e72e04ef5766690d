import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { type KeyPair, makeAuthority, makeServerCertificate } from '../../src/installation/certificates.ts';
import { option } from '../../src/nbd/handshake-numbers.ts';
import { runCommand } from '../fixtures/command.ts';
import { NbdClient } from '../fixtures/nbd-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** A service with the operator's own certificate, whose files change while it runs. */

const opened = new AsyncDisposableStack();
let directory: string;
let authority: KeyPair;
let first: KeyPair;
let obraz: Obraz;

before(async () => {
  directory = opened.use(await temporaryDirectory()).path;
  authority = await makeAuthority(new Date());
  first = await makePair();
  await install('server.pem', first.certificate);
  await install('server-key.pem', first.privateKey);
  const flags = ['--tls-cert', join(directory, 'server.pem'), '--tls-key', join(directory, 'server-key.pem')];
  obraz = opened.use(await startObraz({ flags }));
});
after(() => opened.disposeAsync());

const makePair = () => makeServerCertificate(authority, ['localhost', 'images.example.com'], new Date());

/** Puts a file in its place at once, as whatever renews certificates does. */
async function install(name: string, text: string): Promise<void> {
  await writeFile(join(directory, `${name}.new`), text);
  await rename(join(directory, `${name}.new`), join(directory, name));
}

/** The certificate that a client sees, in PEM. */
async function seen(): Promise<string> {
  const port = Number(obraz.endpoint.split(':')[1]);
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.certificate });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw.toString('base64');
}

const rawOf = ({ certificate }: KeyPair) => certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '');

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('serves the operator’s certificate, and the command line of this machine is served all the same', async () => {
  assert.equal(await seen(), rawOf(first));
  const agent = new Agent({ connect: { ca: authority.certificate, servername: 'images.example.com' } });
  const { statusCode } = await request(`https://${obraz.endpoint}/health`, { dispatcher: agent });
  await agent.close();
  assert.equal(statusCode, 200);
  const ended = await runCommand(['zone', 'list', '--data', obraz.dataDirectory]);
  assert.equal(ended.code, 0, ended.stderr);
});

test('keeps the old pair while the new one is broken, says why, and serves the new one when it is whole', async () => {
  const second = await makePair();
  await install('server.pem', second.certificate);
  await until(() => /server-key\.pem is not the key of the first certificate/.test(obraz.log()));
  assert.equal(await seen(), rawOf(first));
  await install('server-key.pem', second.privateKey);
  await until(async () => (await seen()) === rawOf(second));
});

test('shows it over NBD, too', async () => {
  using client = await NbdClient.greeted({ path: join(obraz.dataDirectory, 'nbd.sock') });
  await client.option(option.startTls);
  await client.secure(authority.certificate); // fails unless that authority vouches for the server
});

test('does not start with a certificate that cannot be served', async () => {
  await writeFile(join(directory, 'broken.pem'), 'broken');
  const flags = ['--tls-cert', join(directory, 'broken.pem'), '--tls-key', join(directory, 'server-key.pem')];
  const data = opened.use(await temporaryDirectory()).path;
  const place = ['--data', data, '--listen', '127.0.0.1:0'];
  const ended = await runCommand(['serve', ...place, ...flags]);
  assert.deepEqual([ended.code, ended.stderr.includes('broken.pem is not a certificate in PEM')], [2, true]);
  const half = await runCommand(['serve', ...place, '--tls-cert', 'a.pem']);
  assert.deepEqual([half.code, half.stderr.includes('--tls-key')], [2, true]);
});
