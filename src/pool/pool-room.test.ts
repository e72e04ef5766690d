import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { noise } from '../../test/fixtures/guest.ts';
import {
  noRoom,
  openPoolPlace,
  plentyOfRoom,
  read,
  stateOf,
  until,
  untilReady,
} from '../../test/fixtures/pool-place.ts';
import { mountSmallDisk, noSmallDisks } from '../../test/fixtures/small-disk.ts';

const mib = 1024 * 1024;
const limits = { timeout: 20_000 };

test('the least recently used makes room, unless somebody reads it', limits, async (t) => {
  const place = await openPoolPlace(t);
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
  const place = await openPoolPlace(t);
  const first = await place.add(noise(mib, 21), 1);
  const pool = await place.start({ limitBytes: 1.5 * mib, timing: { keepMs: 3_600_000 } });
  await untilReady(pool, first);
  const second = await place.add(noise(mib, 22), 2);
  await place.untilLookedAfter(pool);
  assert.equal((await stateOf(pool, first))?.state, 'ready');
  assert.equal((await stateOf(pool, second))?.state, 'evicted');
});

test('the next process knows what was used last', limits, async (t) => {
  const place = await openPoolPlace(t);
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

test('a volume that nobody wants goes when nobody reads it', limits, async (t) => {
  const place = await openPoolPlace(t);
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
  const place = await openPoolPlace(t);
  const volumeId = await place.add(noise(8 * mib, 8));
  const pool = await place.start({ timing: { bytesPerSecond: 4 * mib } });
  await until(async () => ((await stateOf(pool, volumeId))?.storedBytes ?? 0) > 0);
  place.wanted.clear();
  await until(async () => (await readdir(place.directory)).length === 0);
  assert.deepEqual((await pool.status()).entries, []);
});

test('the pool leaves others room, and makes some when there is none', limits, async (t) => {
  const place = await openPoolPlace(t);
  const volumeId = await place.add(noise(mib, 10));
  let room = plentyOfRoom;
  const pool = await place.start({ measure: async () => room });
  await untilReady(pool, volumeId);
  room = noRoom;
  await until(async () => (await stateOf(pool, volumeId))?.state === 'evicted');
  assert.equal((await pool.status()).limitBytes, 0);
  await until(async () => (await readdir(place.directory)).length === 0);
  room = plentyOfRoom;
  await untilReady(pool, volumeId);
});

test('a disk that is full ends what is being written, and nothing else', {
  ...limits,
  skip: noSmallDisks,
}, async (t) => {
  const place = await openPoolPlace(t);
  await using disk = await mountSmallDisk(4 * mib);
  const large = await place.add(noise(8 * mib, 11), 2);
  const small = await place.add(noise(mib, 12), 1);
  await using pool = await place.start({ directory: disk.path });
  await until(async () => /ENOSPC/.test((await stateOf(pool, large))?.problem ?? ''));
  await untilReady(pool, small);
  assert.deepEqual(await readdir(disk.path), [`${small}.raw`]);
});
