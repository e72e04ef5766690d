import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../../test/fixtures/store.ts';
import { flipByte, livePacks, readVolume } from '../../test/fixtures/stored-volumes.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import { findChunks, findEntriesOfPack } from './chunk-rows.ts';
import { collectGarbage } from './collect-garbage.ts';
import { type Compacted, compactPacks, findCompactable } from './compact.ts';
import { measurePacks } from './measure-packs.ts';
import type { WriterLease } from './pack-rows.ts';
import { findPackUses } from './pack-use.ts';
import type { Store } from './store.ts';
import { removeVolumeReference, type Volume } from './volume-rows.ts';
import { VolumeWriter } from './volume-writer.ts';

const mib = 1024 * 1024;
const keepAll = { delayMs: 86_400_000 };
const keepNone = { delayMs: -1 };

function compact(store: Store, lease: WriterLease = { operationId: 'compaction', epoch: 1 }): Promise<Compacted> {
  const { signal } = new AbortController();
  return compactPacks(store, { lease, signal, bytesPerSecond: 0, onProgress: () => {} });
}

async function collectAndMeasure(store: Store): Promise<void> {
  await collectGarbage(store, keepAll);
  await measurePacks(store, { limit: 1000 });
}

/** A volume in a pack of which three quarters belong to a volume that is gone. */
async function storeMostlyDead(testStore: TestStore, seed: number): Promise<{ volume: Volume; bytes: Buffer }> {
  const bytes = noise(3 * mib, seed);
  const gone = `gone ${seed}`;
  await storeGuestAs(testStore, gone, createMemoryGuest(Buffer.concat([bytes, noise(9 * mib, seed + 1000)])));
  const volume = await storeGuestAs(testStore, `kept ${seed}`, createMemoryGuest(bytes));
  await testStore.store.db.transact((tx) => removeVolumeReference(tx, gone));
  return { volume, bytes };
}

async function assertReads(testStore: TestStore, { volume, bytes }: { volume: Volume; bytes: Buffer }): Promise<void> {
  assert.ok(bytes.equals(await readVolume(testStore, volume.id)));
}

/** Blobs that stop before the pack of `which` is sealed, until they are let go on. */
function stopAtSeal(blobs: BlobStore) {
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let isArmed = false;
  const wrapped: BlobStore = {
    ...bindAll(blobs),
    async create(name) {
      const writer = await blobs.create(name);
      if (!isArmed) return writer;
      isArmed = false;
      return {
        get sizeBytes() {
          return writer.sizeBytes;
        },
        append: (pieces) => writer.append(pieces),
        async seal() {
          await writer.seal();
          reached.resolve();
          await goOn.promise;
        },
        [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
      };
    },
  };
  return { wrapped, reached: reached.promise, goOn: goOn.resolve, arm: () => (isArmed = true) };
}

function bindAll(blobs: BlobStore): BlobStore {
  return {
    create: (name) => blobs.create(name),
    read: (name, offset, length, options) => blobs.read(name, offset, length, options),
    stat: (name) => blobs.stat(name),
    list: () => blobs.list(),
    listUnsealed: () => blobs.listUnsealed(),
    delete: (name) => blobs.delete(name),
    [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose](),
  };
}

eachDatabase(({ open }) => {
  test('gives back the space of a mostly dead pack and keeps every byte that is needed', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const kept = await storeMostlyDead(testStore, 1);
    await collectAndMeasure(store);
    const [before] = await livePacks(testStore);
    const done = await compact(store);
    assert.equal(done.packs, 2, 'the mostly dead one, and the small one with the smaller volume’s own nodes');
    assert.ok(done.freedBytes > 8 * mib, `${done.freedBytes}`);
    await assertReads(testStore, kept);

    await collectGarbage(store, keepAll);
    const condemned = await store.db.read.selectFrom('packs').select('id').where('state', '=', 'condemned').execute();
    assert.ok(
      condemned.some(({ id }) => id === before?.id),
      'a pack that was sealed waits for its delay',
    );
    await collectGarbage(store, keepNone);
    await assertReads(testStore, kept);
    const blobs = await Array.fromAsync(store.blobs.list());
    assert.equal(blobs.length, 1);
    assert.ok((blobs[0]?.sizeBytes ?? 0) < 4 * mib);
    await measurePacks(store, { limit: 10 });
    const [pack] = await store.db.read.selectFrom('packs').selectAll().execute();
    assert.equal(pack?.live_bytes, pack?.size, 'all of the new pack is needed, and its size is exactly that');
    assert.equal(pack?.was_sealed, 1);

    await store.db.transact((tx) => removeVolumeReference(tx, 'kept 1'));
    await collectGarbage(store, keepNone);
    assert.deepEqual(await Array.fromAsync(store.blobs.list()), []);
  });

  test('leaves a pack alone that is more than half needed, and one that is pinned', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    await storeGuestAs(testStore, 'whole', createMemoryGuest(noise(9 * mib, 1)));
    await collectAndMeasure(store);
    assert.deepEqual(await findCompactable(store), []);
    await storeMostlyDead(testStore, 2);
    await collectAndMeasure(store);
    const groups = await findCompactable(store);
    assert.equal(groups.length, 1);
    const packIds = groups[0]?.packIds ?? [];
    await store.db.transact((tx) =>
      tx
        .insertInto('pack_pins')
        .values(packIds.map((pack_id) => ({ operation_id: 'import', pack_id })))
        .execute(),
    );
    assert.deepEqual(await findCompactable(store), []);
  });

  test('makes one pack of many small ones', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const volumes = [];
    for (const seed of [1, 2, 3, 4]) {
      const bytes = noise(mib, seed);
      volumes.push({ bytes, volume: await storeGuestAs(testStore, `${seed}`, createMemoryGuest(bytes)) });
    }
    await collectAndMeasure(store);
    assert.equal((await compact(store)).packs, 4);
    assert.equal((await livePacks(testStore)).length, 1);
    await collectGarbage(store, keepNone);
    for (const volume of volumes) await assertReads(testStore, volume);
    await collectAndMeasure(store);
    assert.deepEqual(await findCompactable(store), [], 'and it is done');
  });

  test('an import that takes to a dead chunk meanwhile keeps it', async () => {
    const stop: { at?: ReturnType<typeof stopAtSeal> } = {};
    await using testStore = await openTestStore({
      open,
      wrapBlobs: (blobs) => {
        stop.at = stopAtSeal(blobs);
        return stop.at.wrapped;
      },
    });
    const { store } = testStore;
    const kept = await storeMostlyDead(testStore, 5);
    await collectAndMeasure(store);
    assert.ok(stop.at);
    stop.at.arm();
    const compacting = compact(store);
    await stop.at.reached;
    // The new pack has none of what this import finds in the old one, which is garbage until now.
    const bytes = Buffer.concat([kept.bytes, noise(9 * mib, 1005)]);
    const volume = await storeGuestAs(testStore, 'late', createMemoryGuest(bytes));
    stop.at.goOn();
    await compacting;
    await collectGarbage(store, keepNone);
    await assertReads(testStore, { volume, bytes });
    await assertReads(testStore, kept);
  });

  test('an import that has pinned the pack and not sealed yet keeps it', async () => {
    const stop: { at?: ReturnType<typeof stopAtSeal> } = {};
    await using testStore = await openTestStore({
      open,
      wrapBlobs: (blobs) => {
        stop.at = stopAtSeal(blobs);
        return stop.at.wrapped;
      },
    });
    const { store } = testStore;
    const kept = await storeMostlyDead(testStore, 6);
    await collectAndMeasure(store);
    assert.ok(stop.at);
    stop.at.arm();
    const compacting = compact(store);
    await stop.at.reached;
    // It refers to garbage by its pin alone: nothing of it is written down yet.
    const [pack] = await livePacks(testStore);
    const entries = await findEntriesOfPack(store.db.read, pack?.id ?? '');
    const ids = entries.filter(({ kind }) => kind === 'chunk').map(({ id }) => id);
    const lease = { operationId: 'late', epoch: 1 };
    await using writer = await VolumeWriter.open(store, { domainId: 'cloud', lease });
    assert.equal((await writer.findKnown('chunk', ids)).size, ids.length);
    stop.at.goOn();
    await compacting;
    await collectGarbage(store, keepNone);
    assert.equal((await findChunks(store.db.read, 'cloud', 'chunk', ids)).length, ids.length);
    await assertReads(testStore, kept);
  });

  test('readers beside it never see anything else', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const kept = [await storeMostlyDead(testStore, 7), await storeMostlyDead(testStore, 8)];
    await collectAndMeasure(store);
    let isOver = false;
    const readers = kept.map(async (volume) => {
      while (!isOver) await assertReads(testStore, volume);
    });
    await compact(store);
    await collectGarbage(store, keepNone);
    for (const volume of kept) await assertReads(testStore, volume);
    isOver = true;
    await Promise.all(readers);
  });

  test('a compaction that lost its lease changes nothing, and its pack is collected', async () => {
    const stop: { at?: ReturnType<typeof stopAtSeal> } = {};
    await using testStore = await openTestStore({
      open,
      wrapBlobs: (blobs) => {
        stop.at = stopAtSeal(blobs);
        return stop.at.wrapped;
      },
    });
    const { store, leases } = testStore;
    const kept = await storeMostlyDead(testStore, 9);
    await collectAndMeasure(store);
    const before = await livePacks(testStore);
    assert.ok(stop.at);
    stop.at.arm();
    const lease = { operationId: 'compaction', epoch: 1 };
    const compacting = compact(store, lease);
    await stop.at.reached;
    leases.lose(lease);
    stop.at.goOn();
    await assert.rejects(compacting, /lease lost/);
    assert.deepEqual(await livePacks(testStore), before);
    await collectGarbage(store, keepAll);
    const rows = await store.db.read.selectFrom('packs').select('state').execute();
    assert.ok(rows.every(({ state }) => state === 'live'));
    assert.equal((await Array.fromAsync(store.blobs.list())).length, before.length);
    await assertReads(testStore, kept);
  });

  test('quarantines a corrupt entry instead of copying it, and leaves its pack until it is healed', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const kept = await storeMostlyDead(testStore, 10);
    await collectAndMeasure(store);
    const [pack] = await livePacks(testStore);
    assert.ok(pack);
    const [use] = await findPackUses(store, 'cloud', [pack.id]);
    const entry = use?.live?.at(-1);
    assert.ok(entry);
    await flipByte(testStore, pack.id, entry.packOffset + 7);
    await compact(store);
    assert.ok((await livePacks(testStore)).some(({ id }) => id === pack.id));
    await assert.rejects(readVolume(testStore, kept.volume.id), /damaged or missing/);
    assert.ok((await findCompactable(store)).every(({ packIds }) => !packIds.includes(pack.id)));

    await storeGuestAs(testStore, 'again', createMemoryGuest(kept.bytes));
    await assertReads(testStore, kept);
    await collectAndMeasure(store);
    await compact(store);
    await collectGarbage(store, keepNone);
    await assertReads(testStore, kept);
  });
});
