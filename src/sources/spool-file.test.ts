import assert from 'node:assert/strict';
import { mkdtempDisposable, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { SourceIdentity } from './source-identity.ts';
import { SpoolFile } from './spool-file.ts';

const MIB = 1024 * 1024;

const identity: SourceIdentity = {
  url: 'http://files.example/disk.raw',
  etag: '"1"',
  lastModified: undefined,
  sizeBytes: undefined,
  ranges: false,
  sha256: undefined,
};

async function openSpool(directory: string): Promise<SpoolFile> {
  return SpoolFile.open({ path: join(directory, 'spool'), identity, maxBytes: 8 * MIB, minFreeBytes: 0 });
}

async function failFiles(t: TestContext, method: 'write' | 'datasync', code: string): Promise<void> {
  await using handle = await open(import.meta.filename);
  const failure = Object.assign(new Error(code), { code });
  t.mock.method(Object.getPrototypeOf(handle), method, () => Promise.reject(failure));
}

test('a write that failed while nobody waited for it fails the end of the copy', async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-spool-'));
  await failFiles(t, 'write', 'ENOSPC');
  const spool = await openSpool(directory.path);
  assert.equal(spool.append(new Uint8Array(2 * MIB)), undefined);
  await assert.rejects(spool.reach(1), { kind: 'no-space' });
  // An end that asks again for the write that failed never lets the process do anything else.
  await assert.rejects(spool.finish(), { kind: 'no-space' });
  assert.throws(() => spool.append(new Uint8Array(1)), { kind: 'no-space' });
  await spool.close();
});

test('a copy that is the only proof of its object is not finished until it is safe', async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-spool-'));
  await failFiles(t, 'datasync', 'EIO');
  const options = { path: join(directory.path, 'spool'), maxBytes: MIB, minFreeBytes: 0 };
  const spool = await SpoolFile.open({ ...options, identity: { ...identity, etag: undefined } });
  spool.append(new Uint8Array(10));
  await assert.rejects(spool.finish(), { kind: 'spool-failed' });
  await spool.close();
});
