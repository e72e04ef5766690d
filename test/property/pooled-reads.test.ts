import assert from 'node:assert/strict';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import type { BlockDevice, Extent } from '../../src/formats/block-device.ts';
import { Pool } from '../../src/pool/pool.ts';
import { hexOf } from '../../src/volumes/chunk-id.ts';
import { ReadCache } from '../../src/volumes/read-cache.ts';
import { openVolume } from '../../src/volumes/stored-device.ts';
import { generatedDisks, toGuest } from '../fixtures/generated-disk.ts';
import { flipByteOf } from '../fixtures/pool-place.ts';
import { createMemoryGuest, openTestStore, storeGuestAs } from '../fixtures/store.ts';

/**
 * Any volume reads the same out of the pool as out of the store, whatever ranges are read at once, before its file is there
 * and after, and whatever byte of the file is changed meanwhile; and its holes are the same.
 */

/** A busy machine explores less in place of taking longer. */
const exploreMs = 8_000;

const reads = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3_000_000)), {
  minLength: 1,
  maxLength: 8,
});
/** Where the file rots, as a part of its length; undefined for nowhere. */
const rot = fc.option(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { nil: undefined });

test('pooled and unpooled reads agree', { timeout: 60_000 }, async () => {
  await using testStore = await openTestStore();
  const { store } = testStore;
  const directory = join(testStore.directory, 'pool');
  await mkdir(directory);
  let count = 0;
  await fc.assert(
    fc.asyncProperty(generatedDisks, reads, reads, rot, async (disk, before, after, rotAt) => {
      const guest = toGuest(disk);
      count += 1;
      const volume = await storeGuestAs(testStore, `image${count}`, createMemoryGuest(guest));
      const { id: volumeId, sizeBytes } = volume;
      const wanted = { volumeId, contentId: hexOf(volume.rootId), sizeBytes, createdAt: 0, images: [] };
      await using pool = await Pool.open({
        directory,
        limitBytes: 2 ** 30,
        reads: new ReadCache(),
        findPooled: async () => [wanted],
        openVolume: (id) => openVolume(store, id),
        log: { info() {}, warn() {}, error() {} },
        now: Date.now,
        timing: { everyMs: 10, bytesPerSecond: 0 },
      });
      await using device = pool.wrap(await openVolume(store, volumeId), volumeId);
      const check = async (ranges: typeof before) => {
        await Promise.all(
          ranges.map(async ([place, most]) => {
            const offset = Math.floor(place * (guest.length - 1));
            const target = Buffer.alloc(Math.min(most, guest.length - offset), 0xee);
            await device.readAt(target, offset);
            assert.ok(target.equals(guest.subarray(offset, offset + target.length)), `${target.length} at ${offset}`);
          }),
        );
      };
      await check(before);
      while ((await pool.status()).entries[0]?.state !== 'ready') await wait(2);
      const path = join(directory, `${volumeId}.raw`);
      if (rotAt !== undefined) await flipByteOf(path, Math.floor((await stat(path)).size * rotAt));
      await check(after);
      await using stored = await openVolume(store, volumeId);
      assert.deepEqual(await extentsOf(device), await extentsOf(stored));
    }),
    { interruptAfterTimeLimit: exploreMs, numRuns: 200 },
  );
  for (const name of await readdir(directory)) await rm(join(directory, name));
});

async function extentsOf(device: BlockDevice): Promise<Extent[]> {
  return Array.fromAsync(device.extents(0, device.sizeBytes));
}
