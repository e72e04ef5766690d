import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../../test/fixtures/store.ts';
import { chunkKey } from './chunk-id.ts';
import { quarantineChunk, releaseChunk } from './chunk-rows.ts';
import { QuarantinedMeanwhile } from './quarantine.ts';
import { openVolume } from './stored-device.ts';
import { addVolumeReference } from './volume-rows.ts';
import { writeVolume } from './write-volume.ts';

const mib = 1024 * 1024;
const { signal } = new AbortController();

async function findChunkIds({ store }: TestStore, domainId: string) {
  const chunks = store.db.read.selectFrom('chunks').select(['id', 'pack_id']).where('domain_id', '=', domainId);
  return chunks.where('kind', '=', 'chunk').execute();
}

async function readAll({ store }: TestStore, volumeId: string): Promise<Buffer> {
  await using device = await openVolume(store, volumeId);
  const bytes = Buffer.alloc(device.sizeBytes);
  await device.readAt(bytes, 0);
  return bytes;
}

test('a damaged chunk of another volume does not stop an import that shares its pack', async () => {
  await using testStore = await openTestStore();
  const { store } = testStore;
  const shared = noise(mib, 1);
  await storeGuestAs(testStore, 'old', createMemoryGuest(Buffer.concat([shared, noise(mib, 2)])));
  await storeGuestAs(testStore, 'shared alone', createMemoryGuest(shared), 'elsewhere');
  const needed = new Set((await findChunkIds(testStore, 'elsewhere')).map(({ id }) => chunkKey(id)));
  const damaged = (await findChunkIds(testStore, 'cloud')).findLast(({ id }) => !needed.has(chunkKey(id)));
  assert.ok(damaged !== undefined);
  await store.db.transact((tx) => quarantineChunk(tx, 'cloud', 'chunk', damaged.id, damaged.pack_id));

  const guest = Buffer.concat([shared, noise(mib, 3)]);
  const volume = await storeGuestAs(testStore, 'new', createMemoryGuest(guest));
  assert.ok((await readAll(testStore, volume.id)).equals(guest));
});

test('a chunk that is found damaged after it was looked up stops the seal, and the next run stores it anew', async () => {
  await using testStore = await openTestStore();
  const { store } = testStore;
  const guest = noise(mib, 1);
  const run = (epoch: number) => {
    const lease = { operationId: 'op', epoch };
    return writeVolume(store, { domainId: 'cloud', lease, reader: createMemoryGuest(guest), signal, onProgress() {} });
  };
  const written = await run(1);
  const [damaged] = await findChunkIds(testStore, 'cloud');
  assert.ok(damaged !== undefined);
  await store.db.transact((tx) => quarantineChunk(tx, 'cloud', 'chunk', damaged.id, damaged.pack_id));
  await assert.rejects(
    store.db.transact((tx) => written.commit(tx)),
    QuarantinedMeanwhile,
  );
  const again = await run(2);
  const volume = await store.db.transact(async (tx) => {
    const committed = await again.commit(tx);
    await addVolumeReference(tx, 'image', committed.id);
    return committed;
  });
  assert.ok((await readAll(testStore, volume.id)).equals(guest));
});

test('what came out of quarantine while it was stored over, and is found damaged again, stops the seal', async () => {
  await using testStore = await openTestStore();
  const { store } = testStore;
  const guest = noise(mib, 1);
  await storeGuestAs(testStore, 'old', createMemoryGuest(guest));
  const [chunk] = await findChunkIds(testStore, 'cloud');
  assert.ok(chunk !== undefined);
  const { id, pack_id: packId } = chunk;
  const quarantine = () => store.db.transact((tx) => quarantineChunk(tx, 'cloud', 'chunk', id, packId));
  await quarantine();
  const known = createMemoryGuest(guest);
  let isAsked = false;
  const reader = {
    ...known,
    // It has looked at what is damaged by now, and not at what it can take over.
    async stripes(...wanted: Parameters<typeof known.stripes>) {
      if (!isAsked) await store.db.transact((tx) => releaseChunk(tx, 'cloud', 'chunk', id, packId));
      isAsked = true;
      return known.stripes(...wanted);
    },
  };
  const lease = { operationId: 'op', epoch: 1 };
  const written = await writeVolume(store, { domainId: 'cloud', lease, reader, signal, onProgress() {} });
  await quarantine();
  await assert.rejects(
    store.db.transact((tx) => written.commit(tx)),
    QuarantinedMeanwhile,
  );
});
