import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../../test/fixtures/store.ts';
import { readVolume } from '../../test/fixtures/stored-volumes.ts';
import { checkStore } from './check-store.ts';
import { forgetLostPacks } from './forget-lost-packs.ts';
import { addVolumeReference } from './volume-rows.ts';
import { writeVolume } from './write-volume.ts';

const { signal } = new AbortController();
const bytes = noise(5 * 1024 * 1024, 1);

/** All of an import but its end, which may be made again. */
function write({ store }: TestStore, operationId: string) {
  const lease = { operationId, epoch: 1 };
  return writeVolume(store, { domainId: 'cloud', lease, reader: createMemoryGuest(bytes), signal, onProgress() {} });
}

/** What becomes of an import under way in a backup when it was cancelled behind that: its packs are gone. */
async function loseBlobs({ store: { blobs } }: TestStore): Promise<void> {
  for (const { name } of await Array.fromAsync(blobs.list())) await blobs.delete(name);
}

eachDatabase(({ open }) => {
  // Guard: forgetLostPacks. Without it the import goes on from its checkpoint, and is sealed over nothing.
  test('an import whose packs are gone begins again', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    await write(testStore, 'import');
    await loseBlobs(testStore);
    assert.ok((await forgetLostPacks(store)) > 0);
    const written = await write(testStore, 'import');
    const volume = await store.db.transact(async (tx) => {
      const sealed = await written.commit(tx);
      await addVolumeReference(tx, 'image', sealed.id);
      return sealed;
    });
    assert.ok(bytes.equals(await readVolume(testStore, volume.id)));
    assert.deepEqual(await Array.fromAsync(checkStore(store)), []);
  });

  test('another import does not find known what is gone', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    await write(testStore, 'import');
    await loseBlobs(testStore);
    await forgetLostPacks(store);
    const volume = await storeGuestAs(testStore, 'other', createMemoryGuest(bytes));
    assert.ok(bytes.equals(await readVolume(testStore, volume.id)));
  });

  test('what a sealed volume needs is not forgotten, nor what is there', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    await write(testStore, 'under way');
    assert.equal(await forgetLostPacks(store), 0);
    await storeGuestAs(testStore, 'image', createMemoryGuest(noise(1024 * 1024, 2)));
    await loseBlobs(testStore);
    await forgetLostPacks(store);
    const found = await Array.fromAsync(checkStore(store));
    assert.ok(
      found.some(({ what }) => what === 'pack-missing'),
      'a check still says what is lost',
    );
  });
});
