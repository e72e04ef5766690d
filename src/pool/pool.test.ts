import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { noise, twoEndedGuest } from '../../test/fixtures/guest.ts';
import { flipByteOf, openPoolPlace, read, stateOf, until, untilReady } from '../../test/fixtures/pool-place.ts';
import { openVolume } from '../volumes/stored-device.ts';

const mib = 1024 * 1024;
const limits = { timeout: 20_000 };

test('a volume is written in the background, and then read from its file', limits, async (t) => {
  const place = await openPoolPlace(t);
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
  const place = await openPoolPlace(t);
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
  const place = await openPoolPlace(t);
  const guest = noise(2 * mib, 4);
  const volumeId = await place.add(guest);
  const pool = await place.start();
  const device = await place.openDevice(pool, volumeId);
  await untilReady(pool, volumeId);
  await flipByteOf(join(place.directory, `${volumeId}.raw`), 4096 * 100 + 7);
  const [one, two] = await Promise.all([read(device, 0, mib), read(device, mib, mib)]);
  assert.ok(Buffer.concat([one, two]).equals(guest));
  assert.equal(place.messages.filter((message) => /is damaged; the store/.test(message)).length, 1);
  assert.equal((await stateOf(pool, volumeId))?.state, 'waiting');
  assert.match((await stateOf(pool, volumeId))?.problem ?? '', /block at 409600 is damaged/);
  await until(async () => (await readdir(place.directory)).length === 0);
});

test('damaged checksums are found like damaged bytes', limits, async (t) => {
  const place = await openPoolPlace(t);
  const guest = noise(mib, 5);
  const volumeId = await place.add(guest);
  const pool = await place.start();
  await untilReady(pool, volumeId);
  await flipByteOf(join(place.directory, `${volumeId}.raw`), guest.length + 20);
  const device = await place.openDevice(pool, volumeId);
  assert.ok((await read(device, 0, mib)).equals(guest));
  assert.match((await stateOf(pool, volumeId))?.problem ?? '', /checksums of span 0 are damaged/);
});

test('what failed is tried again when it has rested', limits, async (t) => {
  const place = await openPoolPlace(t);
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

test('a database that is away for a while is told of once, and what is ready is read', limits, async (t) => {
  const place = await openPoolPlace(t);
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

test('a pool that is closed in the middle of it leaves nothing', limits, async (t) => {
  const place = await openPoolPlace(t);
  const volumeId = await place.add(noise(8 * mib, 9));
  const pool = await place.start({ timing: { bytesPerSecond: 4 * mib } });
  await until(async () => ((await stateOf(pool, volumeId))?.storedBytes ?? 0) > 0);
  await pool[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(place.directory), []);
});
