import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noise } from '../../test/fixtures/guest.ts';
import { ReadCache } from './read-cache.ts';
import type { StoredDevice } from './stored-device.ts';

const kib = 1024;

/** A device over bytes, which remembers what was read of it and fails when it is told to. */
function countedDevice(bytes: Buffer, contentId = 'content') {
  const reads: { offset: number; length: number }[] = [];
  const state = { isBroken: false };
  const device: StoredDevice = {
    volume: { id: 'vol', domainId: 'cloud', storedBytes: 0 },
    contentId,
    sizeBytes: bytes.length,
    async *extents(offset, length) {
      yield { offset, length, kind: 'data' };
    },
    keptSegment: async () => undefined,
    listIds: new Map(),
    async *keptLists() {},
    async readAt(target, offset) {
      if (offset < 0 || offset + target.byteLength > bytes.length) throw new RangeError('not within the device');
      reads.push({ offset, length: target.byteLength });
      if (state.isBroken) throw new Error('damaged');
      target.set(bytes.subarray(offset, offset + target.byteLength));
    },
    async [Symbol.asyncDispose]() {},
  };
  return { device, reads, state };
}

async function read(device: StoredDevice, offset: number, length: number): Promise<Buffer> {
  const target = Buffer.alloc(length, 0xee);
  await device.readAt(target, offset);
  return target;
}

test('any reads give the bytes that are there', async () => {
  const bytes = noise(1_000_003, 1);
  const position = fc.nat(bytes.length - 1);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(position, fc.nat(600 * kib)), { maxLength: 12 }), async (wanted) => {
      const cached = new ReadCache().wrap(countedDevice(bytes).device, 'vol');
      await Promise.all(
        wanted.map(async ([offset, most]) => {
          const length = Math.min(most, bytes.length - offset);
          assert.ok((await read(cached, offset, length)).equals(bytes.subarray(offset, offset + length)));
        }),
      );
    }),
    { numRuns: 50 },
  );
});

test('reads a window once, for all who want it, under whatever device it is', async () => {
  const bytes = noise(512 * kib, 2);
  const cache = new ReadCache();
  const [one, other] = [countedDevice(bytes), countedDevice(bytes)];
  const [first, second] = [cache.wrap(one.device, 'vol'), cache.wrap(other.device, 'vol')];
  await Promise.all([read(first, 300 * kib, 4096), read(second, 400 * kib, 4096), read(first, 304 * kib, 100)]);
  assert.deepEqual([...one.reads, ...other.reads], [{ offset: 256 * kib, length: 256 * kib }]);
});

test('reads ahead of somebody who reads in order, and of nobody else', async () => {
  const { device, reads } = countedDevice(noise(2048 * kib, 3));
  const cached = new ReadCache().wrap(device, 'vol');
  await read(cached, 1024 * kib, 4096);
  assert.equal(reads.length, 1);
  await read(cached, 1280 * kib, 4096);
  assert.deepEqual(
    reads.map(({ offset }) => offset / kib),
    [1024, 1280, 1536, 1792],
  );
});

test('reads ahead of each who reads much in order, and keeps nothing of what they had', async () => {
  const bytes = noise(16 * 1024 * kib, 5);
  const { device, reads } = countedDevice(bytes);
  const cached = new ReadCache().wrap(device, 'vol');
  const mib = 1024 * kib;
  const places = (from: number) =>
    reads
      .splice(0)
      .map(({ offset }) => offset / mib)
      .filter((place) => place >= from);
  await read(cached, 8 * mib, mib);
  assert.deepEqual(places(0), [8], 'nobody knows yet');
  await Promise.all([read(cached, 9 * mib, mib), read(cached, 0, mib)]);
  assert.deepEqual(
    places(8).toSorted((a, b) => a - b),
    [8, 9, 12],
    'what it asked for, the piece that it goes on in, and the next one',
  );
  for (const [offset, length] of [
    [mib, mib],
    [2 * mib, 256 * kib],
    [10 * mib, 3 * mib],
  ] as const) {
    assert.ok((await read(cached, offset, length)).equals(bytes.subarray(offset, offset + length)));
  }
  assert.deepEqual(places(0), [], 'what was read is there already');
  await read(cached, 10 * mib, mib);
  assert.deepEqual(places(0), [10], 'and is let go');
});

test('a failure is told, and not remembered', async () => {
  const bytes = noise(256 * kib, 4);
  const { device, state } = countedDevice(bytes);
  const cached = new ReadCache().wrap(device, 'vol');
  state.isBroken = true;
  await assert.rejects(read(cached, 0, 4096), /damaged/);
  state.isBroken = false;
  assert.ok((await read(cached, 0, 4096)).equals(bytes.subarray(0, 4096)));
  await assert.rejects(read(cached, bytes.length - 10, 11), RangeError);
});

test('what could not be read ahead is read when it is wanted', async () => {
  const bytes = noise(4096 * kib, 6);
  const { device, state } = countedDevice(bytes);
  const cached = new ReadCache().wrap(device, 'vol');
  state.isBroken = true;
  await assert.rejects(read(cached, 0, 1024 * kib), /damaged/);
  state.isBroken = false;
  for (const place of [1, 0, 2, 3]) {
    const offset = place * 1024 * kib;
    assert.ok((await read(cached, offset, 1024 * kib)).equals(bytes.subarray(offset, offset + 1024 * kib)));
  }
});

test('more is read ahead than is kept, and all of it is right', async () => {
  const bytes = noise(16 * 1024 * kib, 7);
  const cache = new ReadCache();
  const volumes = Array.from({ length: 12 }, (_, index) => cache.wrap(countedDevice(bytes).device, `vol${index}`));
  for (let offset = 0; offset < bytes.length; offset += 768 * kib) {
    const length = Math.min(768 * kib, bytes.length - offset);
    await Promise.all(
      volumes.map(async (volume) => {
        assert.ok((await read(volume, offset, length)).equals(bytes.subarray(offset, offset + length)));
      }),
    );
  }
});
