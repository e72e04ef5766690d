import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { connect } from 'node:tls';
import { startApi, testCertificates } from '../../test/fixtures/api-fixture.ts';
import { makeAuthority, makeServerCertificate } from '../installation/certificates.ts';
import { installationName } from '../lib/installation-name.ts';

/** The CA that vouches for what a client sees when it calls the server so. */
async function issuerSeen(port: number, servername: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { issuer } = socket.getPeerCertificate();
  socket.destroy();
  return String(issuer.CN);
}

test('shows the operator’s certificate to everybody, and the installation’s to who asks for that by name', async () => {
  const operators = await makeAuthority(new Date());
  const theirs = await makeServerCertificate(operators, ['localhost', 'images.example.com'], new Date());
  const { server } = await testCertificates();
  const installationCertificate = { cert: server.certificate, key: server.privateKey };
  const certificate = { cert: theirs.certificate, key: theirs.privateKey };
  await using api = await startApi({}, { certificate, installationCertificate });
  const { port } = api.address;
  const seen = await issuerSeen(port, 'images.example.com');
  assert.equal(await issuerSeen(port, 'localhost'), seen);
  assert.equal(await issuerSeen(port, 'unknown.example.com'), seen);
  const own = await issuerSeen(port, installationName);
  assert.notEqual(own, seen);

  // After a change of the operator's certificate the installation's own is still there.
  api.api.setCertificate(installationCertificate);
  assert.equal(await issuerSeen(port, 'localhost'), own);
  assert.equal(await issuerSeen(port, installationName), own);
});
