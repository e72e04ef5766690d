import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs } from '../../test/fixtures/store.ts';
import { BlobFailed } from '../blobs/blob-failed.ts';
import { collectGarbage } from './collect-garbage.ts';
import { openVolume } from './stored-device.ts';
import { addVolumeReference, removeVolumeReference } from './volume-rows.ts';
import { writeVolume } from './write-volume.ts';

eachDatabase(({ open }) => {
  test('keeps a pack whose writer ends well between the look at the pack and the look at the lease', async () => {
    const sealing = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    await using testStore = await openTestStore({
      open,
      wrapBlobs: (blobs) => ({
        create: async (name) => {
          const writer = await blobs.create(name);
          const seal = writer.seal.bind(writer);
          writer.seal = async () => {
            sealing.resolve();
            await goOn.promise;
            await seal();
          };
          return writer;
        },
        read: (...asked) => blobs.read(...asked),
        stat: (name) => blobs.stat(name),
        list: () => blobs.list(),
        listUnsealed: () => blobs.listUnsealed(),
        delete: (name) => blobs.delete(name),
        [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose](),
      }),
    });
    const { store, leases } = testStore;
    const bytes = noise(1024 * 1024, 1);
    const lease = { operationId: 'op', epoch: 1 };
    const { signal } = new AbortController();
    const reader = createMemoryGuest(bytes);
    const writing = writeVolume(store, { domainId: 'cloud', lease, reader, signal, onProgress() {} });
    await sealing.promise;

    const isHeld = leases.isHeld.bind(leases);
    let volumeId = '';
    leases.isHeld = async (db, asked) => {
      if (volumeId === '') {
        goOn.resolve();
        const written = await writing;
        const volume = await store.db.transact(async (tx) => {
          const committed = await written.commit(tx);
          await addVolumeReference(tx, 'image', committed.id);
          return committed;
        });
        volumeId = volume.id;
        leases.lose(lease); // an operation that is done has none
      }
      return isHeld(db, asked);
    };
    await collectGarbage(store, { delayMs: -1 });
    assert.notEqual(volumeId, '', 'the collection has looked at the lease');
    await using device = await openVolume(store, volumeId);
    const found = Buffer.alloc(device.sizeBytes);
    await device.readAt(found, 0);
    assert.ok(found.equals(bytes));
  });

  test('a pack that cannot be deleted keeps only its own space', async () => {
    let stuck = '';
    await using testStore = await openTestStore({
      open,
      wrapBlobs: (blobs) => {
        const remove = blobs.delete.bind(blobs);
        blobs.delete = async (name) => {
          if (name === stuck) throw new BlobFailed('broken', name, 'EIO');
          await remove(name);
        };
        return blobs;
      },
    });
    const { store } = testStore;
    const listPacks = () => Array.fromAsync(store.blobs.list(), ({ name }) => name);
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      await storeGuestAs(testStore, id, createMemoryGuest(noise(1024 * 1024, index)));
    }
    for (const id of ['a', 'b', 'c']) await store.db.transact((tx) => removeVolumeReference(tx, id));
    stuck = (await listPacks()).toSorted()[0] ?? '';
    await collectGarbage(store, { delayMs: -1 });
    assert.deepEqual(await listPacks(), [stuck]);
    stuck = '';
    await collectGarbage(store, { delayMs: -1 });
    assert.deepEqual(await listPacks(), []);
  });
});
