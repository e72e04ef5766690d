import assert from 'node:assert/strict';
import test from 'node:test';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs } from '../../test/fixtures/store.ts';
import { readVolume } from '../../test/fixtures/stored-volumes.ts';
import { createDeviceGuestReader } from './device-guest-reader.ts';
import { openVolume } from './stored-device.ts';

const mib = 1024 * 1024;

test('a stored volume stored again is itself; longer, it has zeros behind', async () => {
  await using testStore = await openTestStore();
  const bytes = new Uint8Array(66 * mib);
  bytes.set(noise(5 * mib, 1), 3 * mib);
  bytes.set(noise(mib, 2), 65 * mib);
  const volume = await storeGuestAs(testStore, 'first', createMemoryGuest(bytes));
  await using device = await openVolume(testStore.store, volume.id);
  const again = await storeGuestAs(testStore, 'again', createDeviceGuestReader(device, bytes.length));
  assert.equal(again.id, volume.id);

  const grown = await storeGuestAs(testStore, 'grown', createDeviceGuestReader(device, 130 * mib));
  assert.equal(grown.sizeBytes, 130 * mib);
  const wanted = new Uint8Array(130 * mib);
  wanted.set(bytes);
  assert.ok(Buffer.from(await readVolume(testStore, grown.id)).equals(wanted));
  // As the same bytes from a file would be.
  const direct = await storeGuestAs(testStore, 'direct', createMemoryGuest(wanted));
  assert.equal(direct.id, grown.id);
});

test('without a device there are zeros alone, and they take next to nothing', async () => {
  await using testStore = await openTestStore();
  const blank = await storeGuestAs(testStore, 'blank', createDeviceGuestReader(undefined, 2 ** 40));
  await using device = await openVolume(testStore.store, blank.id);
  assert.equal(device.sizeBytes, 2 ** 40);
  const extents = await Array.fromAsync(device.extents(0, device.sizeBytes));
  assert.deepEqual(extents, [{ offset: 0, length: 2 ** 40, kind: 'hole' }]);
  assert.ok(blank.storedBytes < 1024);
});
