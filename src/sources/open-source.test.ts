import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempDisposable, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { honest, startBadServer, testBytes } from '../../test/fixtures/bad-server.ts';
import { createAddressPolicy } from './address-policy.ts';
import { openFileSource } from './file-source.ts';
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

test('opens an upload where its file is', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-source-'));
  const file = Buffer.from(testBytes(1000));
  const path = join(directory.path, 'upl0');
  await writeFile(path, file);
  const progress: number[] = [];
  await using source = await openSource('OBRAZ:upload/UPL0', {
    ...options,
    findUploadedFile: async (uploadId) =>
      uploadId === 'upl0' ? { fileName: 'a.qcow2', sizeBytes: 1000, open: () => openFileSource(path) } : undefined,
    onProgress: (bytes) => progress.push(bytes),
  });
  assert.deepEqual([source.sizeBytes, source.finalUrl, source.fileName], [1000, 'obraz:upload/upl0', 'a.qcow2']);
  assert.deepEqual(Buffer.from(await source.read(10, 20)), file.subarray(10, 30));
  assert.deepEqual(progress, [20]);
  assert.equal(await source.digest('sha256'), createHash('sha256').update(file).digest('hex'));
  await assert.rejects(source.read(990, 11), RangeError);
});

test('fails for an upload that is not there, and for one whose bytes are gone', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-source-'));
  const path = join(directory.path, 'upl0');
  const uri = 'obraz:upload/upl0';
  await assert.rejects(openSource(uri, options), { name: 'SourceFailed', kind: 'not-found', url: uri });
  const sizeBytes = 1000;
  const findUploadedFile = async () => ({ fileName: '', sizeBytes, open: () => openFileSource(path, { sizeBytes }) });
  await writeFile(path, 'short');
  await assert.rejects(openSource(uri, { ...options, findUploadedFile }), { kind: 'changed', url: uri });
  await writeFile(path, testBytes(sizeBytes));
  await using source = await openSource(uri, { ...options, findUploadedFile });
  await truncate(path, 999);
  await source.read(0, 999);
  await assert.rejects(source.read(0, sizeBytes), { kind: 'changed', url: uri });
});
