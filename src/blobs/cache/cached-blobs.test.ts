import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BlobFailed } from '../blob-failed.ts';
import { createMemoryBlobs } from '../memory.ts';
import type { RemoteBlobs } from '../remote-blobs.ts';
import { BlockCache } from './block-cache.ts';
import { blockBytes } from './block-table.ts';
import { CachedBlobs } from './cached-blobs.ts';

const content = randomBytes(3 * blockBytes + 1000);

/** A blob `abc` in memory behind a cache; every request is noted, and may be held up or changed. */
async function openCached() {
  const directory = await mkdtempDisposable(join(tmpdir(), 'obraz-cache-'));
  const memory = createMemoryBlobs();
  await using writer = await memory.create('abc');
  await writer.append([content]);
  await writer.seal();
  const requests: [offset: number, length: number][] = [];
  const state = { gate: Promise.resolve(), alter: (_bytes: Uint8Array) => {} };
  const remote: RemoteBlobs = {
    ...{ create: memory.create, stat: memory.stat, list: memory.list, listUnsealed: memory.listUnsealed },
    delete: memory.delete,
    read: memory.read,
    async readUpTo(name, offset, target) {
      requests.push([offset, target.byteLength]);
      await state.gate;
      const length = Math.min(target.byteLength, content.byteLength - offset);
      if (length <= 0) throw new BlobFailed('short', name, 'it ends before');
      target.set(await memory.read(name, offset, length));
      state.alter(target);
      return length;
    },
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  };
  const onError = (error: unknown) => assert.fail(String(error));
  const cache = await BlockCache.open({ directory: directory.path, limitBytes: 100 * blockBytes, onError });
  const blobs = new CachedBlobs(remote, cache);
  return {
    blobs,
    requests,
    state,
    async [Symbol.asyncDispose]() {
      await blobs[Symbol.asyncDispose]();
      await directory.remove();
    },
  };
}

async function assertReads(blobs: CachedBlobs, offset: number, length: number): Promise<void> {
  const bytes = await blobs.read('abc', offset, length);
  assert.ok(Buffer.compare(bytes, content.subarray(offset, offset + length)) === 0, `${length} bytes at ${offset}`);
}

/** The cache has so many blocks: they are written behind the readers' backs. */
async function untilKept({ blobs }: { blobs: CachedBlobs }, blocks: number): Promise<void> {
  while (blobs.figures().bytes < blocks * blockBytes) await new Promise((resolve) => setImmediate(resolve));
}

test('fetches whole blocks, neighbours together, and gives out of them what is asked', async () => {
  await using cached = await openCached();
  const { blobs, requests } = cached;
  await assertReads(blobs, blockBytes - 10, 20);
  assert.deepEqual(requests, [[0, 2 * blockBytes]]);
  await untilKept(cached, 2);
  await assertReads(blobs, 5, 2 * blockBytes - 5);
  assert.equal(requests.length, 1);
  await assertReads(blobs, 0, content.byteLength);
  assert.deepEqual(requests[1], [2 * blockBytes, 4 * blockBytes], 'what was missing of it, and ahead');
  await untilKept(cached, 4);
  await assertReads(blobs, content.byteLength - 1, 1);
  assert.equal(requests.length, 2);
  assert.deepEqual([blobs.figures().hits, blobs.figures().misses], [2 + 2 + 1, 2 + 2]);
});

test('who reads in order, a little at a time, finds what comes next', async () => {
  await using cached = await openCached();
  for (let offset = 0; offset + 100_000 <= content.byteLength; offset += 100_000) {
    await assertReads(cached.blobs, offset, 100_000);
  }
  assert.deepEqual(cached.requests, [
    [0, blockBytes],
    [blockBytes, 4 * blockBytes],
  ]);
});

test('many who want the same at once are one request, and one who gives up does not stop the others', async () => {
  await using cached = await openCached();
  const { blobs, requests, state } = cached;
  const { promise, resolve } = Promise.withResolvers<void>();
  state.gate = promise;
  const aborted = new AbortController();
  const first = blobs.read('abc', 0, 10, { signal: aborted.signal });
  const others = Array.from({ length: 20 }, (_, index) => assertReads(blobs, index * 100, 100));
  await new Promise((resolve) => setImmediate(resolve));
  aborted.abort(new Error('enough'));
  await assert.rejects(first, /enough/);
  resolve();
  await Promise.all(others);
  assert.equal(requests.length, 1);
});

test('what failed is asked for again by the next reader', async () => {
  await using cached = await openCached();
  const { blobs, requests, state } = cached;
  state.alter = () => {
    throw new BlobFailed('unreachable', 'abc', 'no answer');
  };
  await assert.rejects(blobs.read('abc', 0, 10), /no answer/);
  state.alter = () => {};
  await assertReads(blobs, 0, 10);
  assert.equal(requests.length, 2);
});

test('a range behind the end is short, from the store and from the cache', async () => {
  await using cached = await openCached();
  const isShort = (error: unknown) => error instanceof BlobFailed && error.failure === 'short';
  for (let time = 0; time < 2; time += 1) {
    await assert.rejects(cached.blobs.read('abc', content.byteLength - 1, 2), isShort);
    await assert.rejects(cached.blobs.read('abc', 100 * blockBytes, 2), isShort);
    await assertReads(cached.blobs, content.byteLength - 1, 1);
  }
});

test('a fresh read is of the store, and drops copies that are not the same', async () => {
  await using cached = await openCached();
  const { blobs, requests, state } = cached;
  state.alter = (bytes) => bytes.fill(0xee, 1000, 1010);
  assert.notDeepEqual((await blobs.read('abc', 1000, 10))[0], content[1000]);
  state.alter = () => {};
  await untilKept(cached, 1);

  // Beside the damage: the copy is good as far as that one can tell.
  assert.deepEqual([...(await blobs.read('abc', 0, 10, { fresh: true }))], [...content.subarray(0, 10)]);
  await assertReads(blobs, 0, 10);
  assert.equal(requests.length, 1);
  assert.deepEqual([...(await blobs.read('abc', 1005, 10, { fresh: true }))], [...content.subarray(1005, 1015)]);
  await assertReads(blobs, 1000, 10);
  assert.equal(requests.length, 2);
});

test('a deleted blob is not in the cache', async () => {
  await using cached = await openCached();
  await assertReads(cached.blobs, 0, 10);
  await untilKept(cached, 1);
  await cached.blobs.delete('abc');
  await assert.rejects(cached.blobs.read('abc', 0, 10), /no such blob/);
});
