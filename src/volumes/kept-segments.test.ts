import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { guestOver } from '../../test/fixtures/guest-over.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../../test/fixtures/store.ts';
import { checkStore } from './check-store.ts';
import { quarantineChunk } from './chunk-rows.ts';
import { collectGarbage } from './collect-garbage.ts';
import type { GuestReader } from './guest-reader.ts';
import { segmentBytes } from './manifest.ts';
import { QuarantinedMeanwhile } from './quarantine.ts';
import { openVolume, type StoredDevice } from './stored-device.ts';
import { removeVolumeReference } from './volume-rows.ts';
import { writeVolume } from './write-volume.ts';

const mib = 1024 * 1024;
const guest = Buffer.concat([noise(3 * mib, 1), Buffer.alloc(segmentBytes - 3 * mib), noise(2 * mib, 2)]);

/** The guest with something written to its second segment, over a volume of what it was. */
function changedGuest(device: StoredDevice): { reader: GuestReader; bytes: Buffer; read: Set<number> } {
  const bytes = Buffer.from(guest);
  bytes.set(noise(5_000, 3), segmentBytes + mib);
  return { ...guestOver(createMemoryGuest(bytes), device, [1]), bytes };
}

async function assertContent({ store }: TestStore, volumeId: string, bytes: Buffer): Promise<void> {
  await using device = await openVolume(store, volumeId);
  const found = Buffer.alloc(device.sizeBytes);
  for (let offset = 0; offset < found.length; offset += mib) {
    await device.readAt(found.subarray(offset, offset + mib), offset);
  }
  assert.ok(found.equals(bytes));
  assert.deepEqual(await Array.fromAsync(checkStore(store)), []);
}

eachDatabase(({ open }) => {
  test('what was taken over outlives the volume that it was taken from', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const before = await storeGuestAs(testStore, 'before', createMemoryGuest(guest));
    await using device = await openVolume(store, before.id);
    const { reader, bytes, read } = changedGuest(device);
    const after = await storeGuestAs(testStore, 'after', reader);
    assert.deepEqual([...read], [1]);
    await assertContent(testStore, after.id, bytes);

    await store.db.transact((tx) => removeVolumeReference(tx, 'before'));
    assert.equal((await collectGarbage(store, { delayMs: -1 })).volumes, 1);
    await assertContent(testStore, after.id, bytes);
    await store.db.transact((tx) => removeVolumeReference(tx, 'after'));
    await collectGarbage(store, { delayMs: -1 });
    assert.deepEqual(await store.db.read.selectFrom('packs').select('id').execute(), [], 'nothing else held it');
  });

  test('nothing is taken over unseen while something of the domain is in quarantine, or gets there meanwhile', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const before = await storeGuestAs(testStore, 'before', createMemoryGuest(guest));
    await using device = await openVolume(store, before.id);
    const [extent] = (await (await device.keptSegment(0))?.extents()) ?? [];
    assert.ok(extent);
    const { pack_id } = await store.db.read
      .selectFrom('chunks')
      .select('pack_id')
      .where('id', '=', extent.chunkId)
      .executeTakeFirstOrThrow();
    const { reader, bytes, read } = changedGuest(device);
    const written = await writeVolume(store, {
      domainId: 'cloud',
      lease: { operationId: 'after', epoch: 1 },
      reader,
      signal: new AbortController().signal,
      onProgress() {},
    });
    await store.db.transact((tx) => quarantineChunk(tx, 'cloud', 'chunk', extent.chunkId, pack_id));
    await assert.rejects(store.db.transact(written.commit), QuarantinedMeanwhile);

    read.clear();
    const after = await storeGuestAs(testStore, 'after', reader);
    assert.ok(read.has(0), 'the segment with the damage is stored anew');
    await assertContent(testStore, after.id, bytes);
  });
});
