import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, open, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BlockCache } from './block-cache.ts';
import { blockBytes, entryBytes, unitBytes } from './block-table.ts';

const slotBytes = blockBytes + entryBytes;
const unexpected = (error: unknown) => assert.fail(String(error));

async function openIn(directory: string, slots: number, onError: (error: unknown) => void = unexpected) {
  return BlockCache.open({ directory, limitBytes: slots * slotBytes, onError });
}

async function readOf(cache: BlockCache, name: string, block: number, offset: number, length: number) {
  const target = new Uint8Array(length);
  return (await cache.read(name, block, offset, target)) ? target : undefined;
}

test('gives back any part of a block, also to the next process', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-cache-'));
  const whole = randomBytes(blockBytes);
  const last = randomBytes(unitBytes + 5);
  const check = async (cache: BlockCache) => {
    for (const [offset, length] of [
      [0, blockBytes],
      [unitBytes - 1, 2],
      [blockBytes - 1, 1],
      [3 * unitBytes, unitBytes],
    ] as const) {
      assert.deepEqual(
        await readOf(cache, 'abc', 7, offset, length),
        new Uint8Array(whole.subarray(offset, offset + length)),
      );
    }
    assert.deepEqual(await readOf(cache, 'abc', 8, unitBytes, 5), new Uint8Array(last.subarray(unitBytes)));
    assert.equal(await readOf(cache, 'abc', 8, unitBytes, 6), undefined, 'nothing behind the end');
    assert.equal(await readOf(cache, 'abc', 9, 0, 1), undefined);
  };
  {
    await using cache = await openIn(directory.path, 4);
    await cache.write('abc', 7, whole);
    await cache.write('abc', 8, last);
    await check(cache);
  }
  await using cache = await openIn(directory.path, 4);
  await check(cache);
});

test('keeps what was used last, within its limit', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-cache-'));
  await using cache = await openIn(directory.path, 3);
  for (const block of [0, 1, 2]) await cache.write('abc', block, randomBytes(blockBytes));
  assert.ok(await readOf(cache, 'abc', 0, 0, 1));
  await cache.write('abc', 3, randomBytes(blockBytes));
  assert.equal(await readOf(cache, 'abc', 1, 0, 1), undefined, 'the least recently used one went');
  for (const block of [0, 2, 3]) assert.ok(await readOf(cache, 'abc', block, 0, 1));
  assert.ok((await stat(join(directory.path, 'blocks'))).size <= 3 * blockBytes);

  cache.forget('abc', 0);
  assert.equal(await readOf(cache, 'abc', 0, 0, 1), undefined);
  cache.forget('abc');
  assert.equal(cache.figures().bytes, 0);
});

test('a smaller limit takes effect at the next start', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-cache-'));
  {
    await using cache = await openIn(directory.path, 4);
    for (const block of [0, 1, 2, 3]) await cache.write('abc', block, randomBytes(blockBytes));
  }
  await using cache = await openIn(directory.path, 2);
  assert.equal(cache.figures().bytes, 2 * blockBytes);
  assert.equal((await stat(join(directory.path, 'blocks'))).size, 2 * blockBytes);
  await using none = await openIn(directory.path, 0);
  await none.write('abc', 1, randomBytes(blockBytes));
  assert.equal(await readOf(none, 'abc', 1, 0, 1), undefined, 'no limit is no cache');
});

test('damage is seen, wherever it is, and what is damaged is as good as not there', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-cache-'));
  const blocks = join(directory.path, 'blocks');
  {
    await using cache = await openIn(directory.path, 4);
    for (const block of [0, 1, 2, 3]) await cache.write('abc', block, randomBytes(blockBytes));
    await using file = await open(blocks, 'r+');
    await file.write(Buffer.of(await byteAt(blocks, 5 * unitBytes - 1, 1)), 0, 1, 5 * unitBytes - 1);
    assert.ok(await readOf(cache, 'abc', 0, 5 * unitBytes, 10), 'the unit behind it is whole');
    assert.equal(await readOf(cache, 'abc', 0, 4 * unitBytes, 10), undefined);
    assert.equal(await readOf(cache, 'abc', 0, 5 * unitBytes, 10), undefined, 'the block is given up');
    assert.equal(cache.figures().corrupt, 1);
    // The slot is used again.
    await cache.write('abc', 9, randomBytes(blockBytes));
    assert.ok(await readOf(cache, 'abc', 9, 0, blockBytes));
  }
  // As a kill leaves it: an entry that was not written to its end, and a slot that was.
  await using table = await open(join(directory.path, 'table'), 'r+');
  await table.write(Buffer.of(0xee), 0, 1, entryBytes + 70);
  await truncate(blocks, 3 * blockBytes + 10);
  await using cache = await openIn(directory.path, 4);
  assert.equal(await readOf(cache, 'abc', 1, 0, 1), undefined, 'the entry is not whole');
  assert.ok(await readOf(cache, 'abc', 2, 0, blockBytes));
  assert.equal(await readOf(cache, 'abc', 3, 0, blockBytes), undefined, 'the block is not whole');
});

test('a table of anything at all is opened as an empty one', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-cache-'));
  await using file = await open(join(directory.path, 'table'), 'w');
  await file.write(randomBytes(10 * entryBytes + 3));
  await using cache = await openIn(directory.path, 20);
  assert.equal(cache.figures().bytes, 0);
  await cache.write('abc', 1, randomBytes(10));
  assert.ok(await readOf(cache, 'abc', 1, 0, 10));
});

test("many readers and writers at once never see each other's bytes", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-cache-'));
  await using cache = await openIn(directory.path, 3);
  const contentOf = (block: number) => Buffer.alloc(blockBytes, block + 1);
  const turns = Array.from({ length: 200 }, async (_, turn) => {
    const block = (turn * 7) % 11;
    await cache.write('abc', block, contentOf(block));
    const target = new Uint8Array(unitBytes);
    if (await cache.read('abc', block, unitBytes, target)) assert.ok(target.every((byte) => byte === block + 1));
  });
  await Promise.all(turns);
  assert.equal(cache.figures().corrupt, 0);
});

async function byteAt(path: string, offset: number, flip: number): Promise<number> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
  return (buffer[0] ?? 0) ^ flip;
}
