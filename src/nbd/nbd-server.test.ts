import assert from 'node:assert/strict';
import { link, readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { NbdClient } from '../../test/fixtures/nbd-client.ts';
import { startNbd, ticket } from '../../test/fixtures/nbd-server.ts';
import { temporaryFolder } from '../../test/fixtures/qemu.ts';
import { makeAuthority, makeServerCertificate } from '../installation/certificates.ts';
import { option } from './handshake-numbers.ts';

describe('listening', () => {
  test('on a unix socket takes the place of one that nobody listens on, and of nothing else', async () => {
    await using folder = await temporaryFolder();
    const [socketPath, left, file] = [folder.path('nbd.sock'), folder.path('left.sock'), folder.path('file')];
    await writeFile(file, 'precious');
    await using nbd = await startNbd({ socketPath });
    await assert.rejects(nbd.server.listen({ socketPath, tls: 'none' }), { code: 'EADDRINUSE' });
    await assert.rejects(nbd.server.listen({ socketPath: file, tls: 'none' }), { code: 'EADDRINUSE' });
    assert.equal(await readFile(file, 'utf8'), 'precious');

    // A second name of the socket stays behind when its server takes away the first.
    await link(socketPath, left);
    await nbd.server.close();
    await using next = await startNbd({ socketPath: left });
    using client = await NbdClient.using({ path: left }, ticket);
    assert.ok((await client.readAt(0, 512)) instanceof Buffer);
    assert.equal(next.uses.found, 1);
  });

  test('at several places is one server', async () => {
    await using folder = await temporaryFolder();
    const path = folder.path('nbd.sock');
    await using nbd = await startNbd();
    assert.equal(await nbd.server.listen({ socketPath: path, tls: 'optional' }), undefined);
    using first = await NbdClient.using({ path }, ticket);
    using second = await NbdClient.using(nbd, ticket);
    assert.equal(nbd.server.counts().clients, 2);
    await nbd.server.close();
    await Promise.all([first.gone, second.gone]);
  });
});

test('a new certificate is for handshakes from then on', async () => {
  await using nbd = await startNbd({ tls: 'required' });
  const now = new Date();
  const authority = await makeAuthority(now);
  const renewed = await makeServerCertificate(authority, ['localhost'], now);
  using before = await NbdClient.greeted(nbd);
  await before.option(option.startTls);
  await before.secure(nbd.ca);
  nbd.server.setCertificate({ cert: renewed.certificate, key: renewed.privateKey });
  using after = await NbdClient.greeted(nbd);
  await after.option(option.startTls);
  await after.secure(authority.certificate);
  assert.equal((await before.option(option.list)).length, 1);
});
