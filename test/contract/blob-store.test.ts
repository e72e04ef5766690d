import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLocalBlobs } from '../../src/blobs/local.ts';
import { createMemoryBlobs } from '../../src/blobs/memory.ts';
import { describeBlobStore, put } from './blob-store-suite.ts';

describeBlobStore('memory', async () => ({ blobs: createMemoryBlobs(), end: async () => {} }));
describeBlobStore('local', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'obraz-blobs-'));
  return { blobs: await openLocalBlobs(directory), end: () => rm(directory, { recursive: true }) };
});

test('the local store leaves no partial file behind', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'obraz-blobs-'));
  try {
    await using blobs = await openLocalBlobs(directory);
    {
      await using writer = await blobs.create('f7');
      await writer.append([Uint8Array.of(1)]);
    }
    await put(blobs, 'f8', Uint8Array.of(1));
    assert.deepEqual(await readdir(join(directory, 'partial')), []);
  } finally {
    await rm(directory, { recursive: true });
  }
});
