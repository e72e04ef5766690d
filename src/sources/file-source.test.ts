import assert from 'node:assert/strict';
import { mkdtempDisposable, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { testBytes } from '../../test/fixtures/bad-server.ts';
import { FileTruncated, openFileSource } from './file-source.ts';

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'obraz-file-source-'));
const bytes = testBytes(100_000);

test('reads a local file, in memory that threads can share', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'a.img');
  await writeFile(path, bytes);
  await using source = await openFileSource(path);
  assert.equal(source.sizeBytes, bytes.length);
  for (const [offset, length] of [
    [0, bytes.length],
    [99_999, 1],
    [100_000, 0],
    [5, 4096],
  ] as const) {
    const read = await source.read(offset, length);
    assert.ok(read.buffer instanceof SharedArrayBuffer);
    assert.equal(Buffer.compare(read, bytes.subarray(offset, offset + length)), 0);
  }
  await assert.rejects(source.read(99_999, 2), RangeError);
  await assert.rejects(source.read(0, 1, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('says so when the file became shorter, and gives no other bytes', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'a.img');
  await writeFile(path, bytes);
  await using source = await openFileSource(path);
  await truncate(path, 10);
  await assert.rejects(source.read(0, 100), FileTruncated);
});

test('opens regular files only', async () => {
  await using directory = await temporaryDirectory();
  await assert.rejects(openFileSource(directory.path), /not a regular file/);
  await assert.rejects(openFileSource(join(directory.path, 'none')), { code: 'ENOENT' });
});
