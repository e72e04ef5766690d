import assert from 'node:assert/strict';
import test from 'node:test';
import { honest, startBadServer, testBytes } from '../../test/bad-server.ts';
import { createAddressPolicy } from './address-policy.ts';
import { openSource } from './open-source.ts';

const policy = createAddressPolicy({ allow: ['127.0.0.1'] });
const spoolPath = '/nowhere/spool';
const findUploadedFile = async () => undefined;
const options = { policy, spoolPath, findUploadedFile };

test('opens what an http address names', async () => {
  const file = testBytes(1000);
  await using server = await startBadServer(honest(file));
  await using source = await openSource(`${server.origin}/a.img`, options);
  assert.deepEqual(Buffer.from(await source.read(0, 1000)), Buffer.from(file));
});

test('refuses other addresses before anything is connected to', async () => {
  for (const uri of ['file:///etc/passwd', 's3://bucket/key', 'data:,x', 'image.qcow2', 'http://']) {
    await assert.rejects(openSource(uri, options), { name: 'SourceFailed', kind: 'uri-invalid' });
  }
});
