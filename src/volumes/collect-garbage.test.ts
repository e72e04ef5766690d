import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { explain } from '../../test/fixtures/explain.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs } from '../../test/fixtures/store.ts';
import { BlobFailed } from '../blobs/blob-failed.ts';
import { collectGarbage, unneededPacks } from './collect-garbage.ts';
import { compactablePacks } from './compact.ts';
import { openVolume } from './stored-device.ts';
import { addVolumeReference, removeVolumeReference } from './volume-rows.ts';
import { writeVolume } from './write-volume.ts';

eachDatabase(({ open }) => {
  test('of all packs only those are looked at whose use has changed, or that are worth a compaction', async (t) => {
    const db = await open(t);
    // PostgreSQL chooses by what is in the table.
    const common = {
      domain_id: 'cloud',
      operation_id: 'op',
      lease_epoch: 1,
      created_at: 0,
      was_sealed: 1,
      condemned_at: null,
    };
    const pack = { ...common, state: 'live' as const, size: 33_554_432, live_bytes: 33_554_432 };
    const packs = Array.from({ length: 2_000 }, (_, at) => ({ ...pack, id: `pack-${at}` }));
    for (const some of [packs.slice(0, 1_000), packs.slice(1_000)]) {
      await db.transact((tx) => tx.insertInto('packs').values(some).execute());
    }
    if (db.dialect === 'postgres') await db.transact((tx) => sql`analyze packs`.execute(tx));
    const scan = {
      sqlite: /SCAN packs(?! USING (COVERING )?INDEX packs_(unmeasured|compactable))/,
      postgres: /Seq Scan on packs/,
    };
    for (const [query, index] of [
      [unneededPacks(db.read), 'packs_unmeasured'],
      [compactablePacks(db.read), 'packs_compactable'],
    ] as const) {
      const plan = await explain(db, query);
      assert.match(plan, new RegExp(index), plan);
      assert.doesNotMatch(plan, scan[db.dialect], plan);
    }
  });

  test('looks at the volumes that lost a holder, and at all only when it is asked to', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const options = { delayMs: 86_400_000 };
    const lost = await storeGuestAs(testStore, 'lost', createMemoryGuest(noise(65_536, 1)));
    const left = await storeGuestAs(testStore, 'left', createMemoryGuest(noise(65_536, 2)));
    const shared = await storeGuestAs(testStore, 'one', createMemoryGuest(noise(65_536, 3)));
    await store.db.transact(async (tx) => {
      await addVolumeReference(tx, 'other', shared.id);
      await tx.deleteFrom('volume_references').where('holder_id', '=', 'lost').execute(); // as no version of ours does it
      await removeVolumeReference(tx, 'left');
      await removeVolumeReference(tx, 'one');
    });
    const there = async () =>
      (await store.db.read.selectFrom('volumes').select('id').execute()).map(({ id }) => id).sort();
    assert.equal((await collectGarbage(store, options)).volumes, 1);
    assert.deepEqual(await there(), [lost.id, shared.id].sort(), `${left.id} is gone`);
    assert.equal((await collectGarbage(store, options)).volumes, 0);
    assert.equal((await collectGarbage(store, { ...options, looksForLost: true })).volumes, 1);
    assert.deepEqual(await there(), [shared.id]);
    assert.deepEqual(await store.db.read.selectFrom('loose_volumes').selectAll().execute(), []);
  });

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
