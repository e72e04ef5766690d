import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import { createPace } from '../../src/lib/pace.ts';
import { scrub, scrubStart } from '../../src/volumes/scrub.ts';
import { openVolume } from '../../src/volumes/stored-device.ts';
import { noise } from '../fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../fixtures/store.ts';
import { createRandom, type Random } from './random.ts';

const mib = 1024 * 1024;

/** A disk that says something else than what was written to it. */
interface Lies {
  /** Reads from now on that are answered with a wrong bit, out of all. */
  share: number;
  told: number;
}

/** Tells so many lies at most. */
function lying(blobs: BlobStore, random: Random, lies: Lies, most = Number.POSITIVE_INFINITY): BlobStore {
  return {
    create: (name) => blobs.create(name),
    async read(name, offset, length, options) {
      const bytes = await blobs.read(name, offset, length, options);
      if (length === 0 || lies.told >= most || !random.chance(lies.share)) return bytes;
      const place = random.below(length);
      bytes[place] = (bytes[place] ?? 0) ^ (1 << random.below(8));
      lies.told += 1;
      return bytes;
    },
    stat: (name) => blobs.stat(name),
    list: () => blobs.list(),
    listUnsealed: () => blobs.listUnsealed(),
    delete: (name) => blobs.delete(name),
    [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose](),
  };
}

/** Every byte of the volume, in reads of a MiB; or what the first of them throws. */
async function readAll({ store }: TestStore, volumeId: string): Promise<Buffer> {
  await using device = await openVolume(store, volumeId);
  const bytes = Buffer.alloc(device.sizeBytes);
  for (let offset = 0; offset < bytes.length; offset += mib) {
    await device.readAt(bytes.subarray(offset, offset + mib), offset);
  }
  return bytes;
}

describe('on a disk that lies', () => {
  test('a volume is stored right or not at all, and a read is right or an error', async (t) => {
    const seed = Date.now() % 1_000_000;
    t.diagnostic(`seed ${seed}`);
    const random = createRandom(seed);
    const lies: Lies = { share: 0, told: 0 };
    await using testStore = await openTestStore({ wrapBlobs: (blobs) => lying(blobs, random, lies) });
    const count = { stored: 0, refused: 0, right: 0, errors: 0 };
    const kept: { volumeId: string; guest: Buffer }[] = [];
    for (let round = 0; round < 40; round += 1) {
      const guest = Buffer.concat([noise(mib, random.below(4)), noise(mib, 10 + round)]);
      lies.share = random.pick([0, 0.2, 0.5]);
      try {
        const volume = await storeGuestAs(testStore, `op-${round}`, createMemoryGuest(guest));
        kept.push({ volumeId: volume.id, guest });
        count.stored += 1;
      } catch {
        count.refused += 1;
      }
      for (const { volumeId, guest } of kept.slice(-3)) {
        try {
          assert.ok((await readAll(testStore, volumeId)).equals(guest), 'wrong bytes left the store');
          count.right += 1;
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          count.errors += 1;
        }
      }
    }
    t.diagnostic(JSON.stringify({ ...count, lies: lies.told }));
    assert.ok(lies.told > 10 && count.stored > 5 && count.right > 5);

    // It tells the truth again: what was taken for damaged is healed by the next import of the same bytes.
    lies.share = 0;
    for (const [index, { guest }] of kept.entries()) {
      await storeGuestAs(testStore, `again-${index}`, createMemoryGuest(guest));
    }
    for (const { volumeId, guest } of kept) assert.ok((await readAll(testStore, volumeId)).equals(guest));
  });

  test('one wrong answer of a good disk costs nothing', async () => {
    const lies: Lies = { share: 0, told: 0 };
    await using testStore = await openTestStore({ wrapBlobs: (blobs) => lying(blobs, createRandom(1), lies, 1) });
    const guest = noise(2 * mib, 1);
    const { id } = await storeGuestAs(testStore, 'op', createMemoryGuest(guest));
    for (let round = 0; round < 5; round += 1) {
      lies.told = 0;
      lies.share = 1;
      assert.ok((await readAll(testStore, id)).equals(guest));
      assert.equal(lies.told, 1);
    }
    lies.told = 0;
    await scrub(testStore.store, {
      pace: createPace(0),
      signal: new AbortController().signal,
      from: scrubStart,
      onPack: async (_position, findings) => assert.deepEqual(findings, []),
    });
    assert.equal(lies.told, 1);
    assert.ok((await readAll(testStore, id)).equals(guest));
  });
});
