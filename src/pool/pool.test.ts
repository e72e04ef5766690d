import assert from 'node:assert/strict';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { noise, twoEndedGuest } from '../../test/fixtures/guest.ts';
import { mountSmallDisk, noSmallDisks } from '../../test/fixtures/small-disk.ts';
import { createMemoryGuest, openTestStore, storeGuestAs } from '../../test/fixtures/store.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import { ReadCache } from '../volumes/read-cache.ts';
import { openVolume, type StoredDevice } from '../volumes/stored-device.ts';
import type { VolumeReads } from '../volumes/volume-reads.ts';
import { Pool, type PoolOptions } from './pool.ts';
import type { PooledVolume } from './pooled-volume.ts';

const mib = 1024 * 1024;
const plenty = { totalBytes: 2 ** 40, freeBytes: 2 ** 39 };
/** A disk of which nothing is free. */
const full = { totalBytes: 2 ** 40, freeBytes: 0 };

/** A store, and a pool in front of it that is opened as often as a test wants. */
async function openPlace(t: TestContext) {
  const opened = new AsyncDisposableStack();
  t.after(() => opened.disposeAsync());
  const testStore = opened.use(await openTestStore());
  const { store } = testStore;
  const directory = join(testStore.directory, 'pool');
  await mkdir(directory);
  const wanted = new Map<string, PooledVolume>();
  /** Reads that went past the pool. */
  const passed = { reads: 0 };
  const cache = new ReadCache();
  const reads: VolumeReads = {
    wrap(device, volumeId) {
      const cached = cache.wrap(device, volumeId);
      return {
        ...cached,
        async readAt(target, offset, options) {
          passed.reads += 1;
          await cached.readAt(target, offset, options);
        },
      };
    },
  };
  /** How often the pool has asked what it should hold. */
  const rounds = { count: 0, fail: false };
  const messages: string[] = [];
  const note = (facts: object, message: string) => {
    messages.push(`${message} ${JSON.stringify(facts)} ${'err' in facts ? String(facts.err) : ''}`);
  };
  const log = { info: note, warn: note, error: note };
  let count = 0;
  return {
    store,
    directory,
    passed,
    messages,
    rounds,
    /** Waits until the pool has looked after everything that is known now. */
    async untilLookedAfter(pool: Pool): Promise<void> {
      const { count } = rounds;
      pool.wake();
      await until(() => rounds.count >= count + 3);
    },
    wanted,
    /** Stores a volume, and wants it in the pool. */
    async add(bytes: Uint8Array, createdAt = 0): Promise<string> {
      count += 1;
      const volume = await storeGuestAs(testStore, `image${count}`, createMemoryGuest(bytes));
      wanted.set(volume.id, {
        volumeId: volume.id,
        contentId: hexOf(volume.rootId),
        sizeBytes: volume.sizeBytes,
        createdAt,
        images: [{ id: `image${count}`, name: '', folderId: 'folder' }],
      });
      return volume.id;
    },
    async start(options: Partial<PoolOptions> = {}): Promise<Pool> {
      return opened.use(
        await Pool.open({
          directory,
          limitBytes: undefined,
          reads,
          async findPooled() {
            rounds.count += 1;
            if (rounds.fail) throw new Error('the database is gone');
            return [...wanted.values()];
          },
          openVolume: (volumeId) => openVolume(store, volumeId),
          log,
          now: Date.now,
          measure: async () => plenty,
          ...options,
          timing: { everyMs: 20, keepMs: 0, bytesPerSecond: 0, ...options.timing },
        }),
      );
    },
    async openDevice(pool: Pool, volumeId: string): Promise<StoredDevice> {
      return opened.use(pool.wrap(await openVolume(store, volumeId), volumeId));
    },
  };
}

async function stateOf(pool: Pool, volumeId: string) {
  return (await pool.status()).entries.find(({ volume }) => volume.volumeId === volumeId);
}

/** Asks again until it is so; a test that waits in vain ends by its own time limit. */
async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await wait(5);
}

async function untilReady(pool: Pool, ...volumeIds: string[]): Promise<void> {
  for (const id of volumeIds) await until(async () => (await stateOf(pool, id))?.state === 'ready');
}

async function read(device: StoredDevice, offset: number, length: number): Promise<Buffer> {
  const target = Buffer.alloc(length, 0xee);
  await device.readAt(target, offset);
  return target;
}

const limits = { timeout: 20_000 };

test('a volume is written in the background, and then read from its file', limits, async (t) => {
  const place = await openPlace(t);
  const guest = twoEndedGuest(1);
  const volumeId = await place.add(guest);
  const pool = await place.start();
  const device = await place.openDevice(pool, volumeId);
  assert.ok((await read(device, 0, guest.length)).equals(guest), 'also before');
  await untilReady(pool, volumeId);
  place.passed.reads = 0;
  for (const [offset, length] of [
    [0, guest.length],
    [4096, 4096],
    [5000, 3000],
    [guest.length - 1, 1],
  ] as const) {
    assert.ok((await read(device, offset, length)).equals(guest.subarray(offset, offset + length)));
  }
  assert.equal(place.passed.reads, 0);
  await assert.rejects(read(device, guest.length - 10, 11), RangeError);
  const entry = await stateOf(pool, volumeId);
  assert.equal(entry?.hits, 4);
  assert.equal(entry?.misses, 1);
  const { size, blocks } = await stat(join(place.directory, `${volumeId}.raw`));
  assert.ok(size > guest.length && blocks * 512 < mib, 'holes stay holes');
  assert.equal(entry?.storedBytes, blocks * 512);
});

test('a file that is whole is good for the next process, and nothing else is', limits, async (t) => {
  const place = await openPlace(t);
  const guests = [noise(mib, 1), noise(mib, 2), noise(mib, 3)];
  const ids: string[] = [];
  for (const guest of guests) ids.push(await place.add(guest));
  const [whole = '', half = '', other = ''] = ids;
  {
    await using pool = await place.start();
    await untilReady(pool, ...ids);
  }
  const path = (id: string) => join(place.directory, `${id}.raw`);
  await writeFile(path(half), (await readFile(path(half))).subarray(0, -8192));
  await writeFile(path(other), await readFile(path(whole)));
  await writeFile(join(place.directory, `${whole}.raw.new`), 'half of a file');
  await writeFile(join(place.directory, 'unknown.raw'), 'of nobody');
  const pool = await place.start({ limitBytes: 0, timing: { keepMs: 3_600_000 } });
  assert.equal((await stateOf(pool, whole))?.state, 'ready');
  assert.deepEqual(await readdir(place.directory), [`${whole}.raw`]);
  assert.equal(place.messages.filter((message) => /written anew/.test(message)).length, 2);
});

test('a damaged block is read from the store, and the file written anew', limits, async (t) => {
  const place = await openPlace(t);
  const guest = noise(2 * mib, 4);
  const volumeId = await place.add(guest);
  const pool = await place.start();
  const device = await place.openDevice(pool, volumeId);
  await untilReady(pool, volumeId);
  await flip(join(place.directory, `${volumeId}.raw`), 4096 * 100 + 7);
  const [one, two] = await Promise.all([read(device, 0, mib), read(device, mib, mib)]);
  assert.ok(Buffer.concat([one, two]).equals(guest));
  assert.equal(place.messages.filter((message) => /is damaged; the store/.test(message)).length, 1);
  assert.equal((await stateOf(pool, volumeId))?.state, 'waiting');
  assert.match((await stateOf(pool, volumeId))?.problem ?? '', /block at 409600 is damaged/);
  await until(async () => (await readdir(place.directory)).length === 0);
});

test('damaged checksums are found like damaged bytes', limits, async (t) => {
  const place = await openPlace(t);
  const guest = noise(mib, 5);
  const volumeId = await place.add(guest);
  const pool = await place.start();
  await untilReady(pool, volumeId);
  await flip(join(place.directory, `${volumeId}.raw`), guest.length + 20);
  const device = await place.openDevice(pool, volumeId);
  assert.ok((await read(device, 0, mib)).equals(guest));
  assert.match((await stateOf(pool, volumeId))?.problem ?? '', /checksums of span 0 are damaged/);
});

test('what failed is tried again when it has rested', limits, async (t) => {
  const place = await openPlace(t);
  const guest = noise(mib, 6);
  const volumeId = await place.add(guest);
  let now = 1_000_000;
  let isBroken = true;
  const pool = await place.start({
    now: () => now,
    async openVolume(id) {
      if (isBroken) throw new Error('the store is gone');
      return openVolume(place.store, id);
    },
  });
  await until(async () => ((await stateOf(pool, volumeId))?.problem ?? '') !== '');
  assert.equal((await stateOf(pool, volumeId))?.state, 'waiting');
  isBroken = false;
  now += 4_000;
  await place.untilLookedAfter(pool);
  assert.equal((await stateOf(pool, volumeId))?.state, 'waiting', 'it is too early');
  now += 2_000;
  await untilReady(pool, volumeId);
  assert.equal((await stateOf(pool, volumeId))?.problem, '');
});

test('the least recently used makes room, unless somebody reads it', limits, async (t) => {
  const place = await openPlace(t);
  const ids: string[] = [];
  for (const seed of [1, 2, 3]) ids.push(await place.add(noise(mib, seed * 10), seed));
  const [first = '', second = '', third = ''] = ids;
  const late = place.wanted.get(third);
  place.wanted.delete(third);
  const pool = await place.start({ limitBytes: 2.5 * mib });
  await untilReady(pool, first, second);
  {
    const device = await place.openDevice(pool, first);
    await read(device, 0, 4096);
    await device[Symbol.asyncDispose]();
  }
  if (late !== undefined) place.wanted.set(third, late);
  await untilReady(pool, third);
  assert.equal((await stateOf(pool, first))?.state, 'ready');
  assert.equal((await stateOf(pool, second))?.state, 'evicted');
  const { storedBytes, limitBytes } = await pool.status();
  assert.ok(storedBytes <= limitBytes);

  // Now both are in use, and who is evicted stays so, however much it is read.
  const held = [await place.openDevice(pool, first), await place.openDevice(pool, third)];
  const device = await place.openDevice(pool, second);
  assert.ok((await read(device, 0, mib)).equals(noise(mib, 20)));
  await place.untilLookedAfter(pool);
  assert.equal((await stateOf(pool, second))?.state, 'evicted');
  // Refill when there is room again.
  place.wanted.delete(third);
  await held[1]?.[Symbol.asyncDispose]();
  await untilReady(pool, second);
});

test('what was used a moment ago is not evicted', limits, async (t) => {
  const place = await openPlace(t);
  const first = await place.add(noise(mib, 21), 1);
  const pool = await place.start({ limitBytes: 1.5 * mib, timing: { keepMs: 3_600_000 } });
  await untilReady(pool, first);
  const second = await place.add(noise(mib, 22), 2);
  await place.untilLookedAfter(pool);
  assert.equal((await stateOf(pool, first))?.state, 'ready');
  assert.equal((await stateOf(pool, second))?.state, 'evicted');
});

test('the next process knows what was used last', limits, async (t) => {
  const place = await openPlace(t);
  const ids = [await place.add(noise(mib, 23), 1), await place.add(noise(mib, 24), 2)];
  const [first = '', second = ''] = ids;
  {
    await using pool = await place.start();
    await untilReady(pool, ...ids);
    await using device = await place.openDevice(pool, first);
    await wait(10); // files have times, too
    await read(device, 0, 4096);
  }
  const pool = await place.start({ limitBytes: 1.5 * mib });
  await until(async () => (await stateOf(pool, second))?.state === 'evicted');
  assert.equal((await stateOf(pool, first))?.state, 'ready');
});

test('a database that is away for a while is told of once, and what is ready is read', limits, async (t) => {
  const place = await openPlace(t);
  const guest = noise(mib, 25);
  const volumeId = await place.add(guest);
  const pool = await place.start();
  await untilReady(pool, volumeId);
  place.rounds.fail = true;
  await place.untilLookedAfter(pool);
  const device = await place.openDevice(pool, volumeId);
  place.passed.reads = 0;
  assert.ok((await read(device, 0, mib)).equals(guest));
  assert.equal(place.passed.reads, 0);
  assert.equal(place.messages.filter((message) => /looking after the pool failed/.test(message)).length, 1);
});

test('a volume that nobody wants goes when nobody reads it', limits, async (t) => {
  const place = await openPlace(t);
  const guest = noise(mib, 7);
  const volumeId = await place.add(guest);
  const pool = await place.start();
  const device = await place.openDevice(pool, volumeId);
  await untilReady(pool, volumeId);
  place.wanted.clear();
  pool.wake();
  await until(async () => (await stateOf(pool, volumeId)) === undefined);
  place.passed.reads = 0;
  assert.ok((await read(device, 0, mib)).equals(guest));
  assert.equal(place.passed.reads, 0, 'it is still read from its file');
  await device[Symbol.asyncDispose]();
  await until(async () => (await readdir(place.directory)).length === 0);
});

test('a volume that is not wanted any more is not written to its end', limits, async (t) => {
  const place = await openPlace(t);
  const volumeId = await place.add(noise(8 * mib, 8));
  const pool = await place.start({ timing: { bytesPerSecond: 4 * mib } });
  await until(async () => ((await stateOf(pool, volumeId))?.storedBytes ?? 0) > 0);
  place.wanted.clear();
  await until(async () => (await readdir(place.directory)).length === 0);
  assert.deepEqual((await pool.status()).entries, []);
});

test('a pool that is closed in the middle of it leaves nothing', limits, async (t) => {
  const place = await openPlace(t);
  const volumeId = await place.add(noise(8 * mib, 9));
  const pool = await place.start({ timing: { bytesPerSecond: 4 * mib } });
  await until(async () => ((await stateOf(pool, volumeId))?.storedBytes ?? 0) > 0);
  await pool[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(place.directory), []);
});

test('the pool leaves others room, and makes some when there is none', limits, async (t) => {
  const place = await openPlace(t);
  const volumeId = await place.add(noise(mib, 10));
  let room = plenty;
  const pool = await place.start({ measure: async () => room });
  await untilReady(pool, volumeId);
  room = full;
  await until(async () => (await stateOf(pool, volumeId))?.state === 'evicted');
  assert.equal((await pool.status()).limitBytes, 0);
  await until(async () => (await readdir(place.directory)).length === 0);
  room = plenty;
  await untilReady(pool, volumeId);
});

test('a disk that is full ends what is being written, and nothing else', {
  ...limits,
  skip: noSmallDisks,
}, async (t) => {
  const place = await openPlace(t);
  await using disk = await mountSmallDisk(4 * mib);
  const large = await place.add(noise(8 * mib, 11), 2);
  const small = await place.add(noise(mib, 12), 1);
  await using pool = await place.start({ directory: disk.path });
  await until(async () => /ENOSPC/.test((await stateOf(pool, large))?.problem ?? ''));
  await untilReady(pool, small);
  assert.deepEqual(await readdir(disk.path), [`${small}.raw`]);
});

async function flip(path: string, offset: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, offset);
  await file.write(Uint8Array.of((byte[0] ?? 0) ^ 0x10), 0, 1, offset);
}
