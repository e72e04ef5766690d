import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KyselyPlugin } from 'kysely';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { createSparseGuest, guestOver, type Pieces, repeatFirstSegment } from '../../test/fixtures/guest-over.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../../test/fixtures/store.ts';
import type { Database } from '../db/database.ts';
import { checkStore } from './check-store.ts';
import { quarantineChunk } from './chunk-rows.ts';
import { collectGarbage } from './collect-garbage.ts';
import { compactPacks } from './compact.ts';
import type { GuestReader } from './guest-reader.ts';
import { listSegments, segmentBytes } from './manifest.ts';
import { measurePacks } from './measure-packs.ts';
import { QuarantinedMeanwhile } from './quarantine.ts';
import { openVolume } from './stored-device.ts';
import { addVolumeReference, removeVolumeReference } from './volume-rows.ts';
import { writeVolume } from './write-volume.ts';

const mib = 1024 * 1024;
const listBytes = listSegments * segmentBytes;
const collectNow = { delayMs: -1 };

/** Data in lists 0, 2 and 3; list 1 is a hole. */
const sizeBytes = 3 * listBytes + 2 * segmentBytes;
const pieces: Pieces = new Map([
  [0, noise(mib, 1)],
  [5 * segmentBytes, noise(mib, 2)],
  [2 * listBytes + 7 * segmentBytes, noise(mib, 3)],
  [2 * listBytes + 9 * segmentBytes + mib, noise(mib, 4)],
  [3 * listBytes, noise(mib, 5)],
]);
/** One segment of list 2. */
const changed = 2 * listSegments + 9;
const changedPieces: Pieces = new Map([...pieces, [changed * segmentBytes + mib, noise(mib, 6)]]);
const guest = createSparseGuest(sizeBytes, pieces);
const changedGuest = createSparseGuest(sizeBytes, changedPieces);

async function assertContent({ store }: TestStore, volumeId: string, expected: Pieces): Promise<void> {
  await using device = await openVolume(store, volumeId);
  for (const [offset, bytes] of expected) {
    const found = Buffer.alloc(bytes.byteLength);
    await device.readAt(found, offset);
    assert.ok(found.equals(bytes), `at ${offset}`);
  }
  assert.deepEqual(await Array.fromAsync(checkStore(store)), []);
}

function write({ store }: TestStore, operationId: string, reader: GuestReader, signal = new AbortController().signal) {
  const lease = { operationId, epoch: 1 };
  return writeVolume(store, { domainId: 'cloud', lease, reader, signal, onProgress() {} });
}

async function letGo({ store }: TestStore, holderId: string): Promise<void> {
  await store.db.transact((tx) => removeVolumeReference(tx, holderId));
  await collectGarbage(store, collectNow);
}

/** Counts the statements of transactions that write. */
function countWrites(db: Database): { readonly db: Database; readonly counts: { writes: number } } {
  const counts = { writes: 0 };
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (node.kind !== 'SelectQueryNode') counts.writes += 1;
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const counted: Database = {
    dialect: db.dialect,
    read: db.read,
    scan: db.scan,
    transact: (work) => db.transact((tx) => work(tx.withPlugin(plugin))),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
  return { db: counted, counts };
}

eachDatabase(({ open }) => {
  test('lists of segments that nobody wrote to are taken over whole', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const before = await storeGuestAs(testStore, 'before', guest);
    await using device = await openVolume(store, before.id);
    const looked: number[] = [];
    const counted = {
      ...device,
      volume: before,
      sizeBytes: device.sizeBytes,
      listIds: device.listIds,
      keptLists: device.keptLists.bind(device),
      keptSegment(index: number) {
        looked.push(index);
        return device.keptSegment(index);
      },
    };
    const { reader, read } = guestOver(changedGuest, counted, [changed]);
    let passed = 0;
    const written = await writeVolume(store, {
      domainId: 'cloud',
      lease: { operationId: 'after', epoch: 1 },
      reader,
      signal: new AbortController().signal,
      onProgress: (bytes) => {
        passed += bytes;
      },
    });
    const after = await store.db.transact((tx) => written.commit(tx));
    assert.equal(passed, sizeBytes);
    const ofChangedList = (index: number) => Math.floor(index / listSegments) === 2;
    assert.deepEqual(
      looked.filter((index) => !ofChangedList(index) && Math.floor(index / listSegments) !== 1),
      [],
    );
    assert.ok(read.has(changed) && !read.has(0) && !read.has(3 * listSegments));

    const whole = await storeGuestAs(testStore, 'whole', changedGuest, 'another-domain');
    assert.deepEqual(after.rootId, whole.rootId);
    assert.deepEqual(after.guestDigest, whole.guestDigest);
    assert.equal(after.storedBytes, whole.storedBytes);
  });

  test('a list that was taken over outlives the volume that it was taken from', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const before = await storeGuestAs(testStore, 'before', guest);
    await using device = await openVolume(store, before.id);
    const after = await storeGuestAs(testStore, 'after', guestOver(changedGuest, device, [changed]).reader);
    await letGo(testStore, 'before');
    await assertContent(testStore, after.id, changedPieces);
    await letGo(testStore, 'after');
    assert.deepEqual(await store.db.read.selectFrom('packs').select('id').execute(), [], 'nothing else held it');
  });

  test('a list whose packs are compacted before the new volume is sealed is held with its new pack', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const before = await storeGuestAs(testStore, 'before', guest);
    // Small packs are worth it when there are four.
    for (const seed of [10, 11, 12])
      await storeGuestAs(testStore, `other ${seed}`, createMemoryGuest(noise(mib, seed)));
    await using device = await openVolume(store, before.id);
    const written = await write(testStore, 'after', guestOver(changedGuest, device, [changed]).reader);
    await measurePacks(store, { limit: 100 });
    const moved = await compactPacks(store, {
      lease: { operationId: 'compaction', epoch: 1 },
      signal: new AbortController().signal,
      bytesPerSecond: 0,
      onProgress() {},
    });
    assert.equal(moved.packs, 4);
    const after = await store.db.transact(async (tx) => {
      const volume = await written.commit(tx);
      await addVolumeReference(tx, 'after', volume.id);
      return volume;
    });
    await letGo(testStore, 'before');
    await assertContent(testStore, after.id, changedPieces);
  });

  test('a guest that is larger than the volume takes its lists over, too', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const small = createSparseGuest(2 * segmentBytes, new Map([[segmentBytes, noise(mib, 7)]]));
    const before = await storeGuestAs(testStore, 'before', small);
    await using device = await openVolume(store, before.id);
    for (const grownBytes of [5 * segmentBytes, listBytes + segmentBytes, 5 * listBytes]) {
      const grown = createSparseGuest(grownBytes, new Map([[segmentBytes, noise(mib, 7)]]));
      const { reader, read } = guestOver(grown, device, []);
      const after = await storeGuestAs(testStore, `after-${grownBytes}`, reader);
      const whole = await storeGuestAs(testStore, `whole-${grownBytes}`, grown, 'another-domain');
      assert.deepEqual(after.rootId, whole.rootId);
      assert.ok(!read.has(1));
    }
  });

  test('nothing is sealed over lists of a volume that was let go, or of which something was found damaged', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const before = await storeGuestAs(testStore, 'before', guest);
    await using device = await openVolume(store, before.id);
    const ofChunk = store.db.read.selectFrom('chunks').select(['id', 'pack_id']).where('kind', '=', 'chunk');
    const { id, pack_id } = await ofChunk.executeTakeFirstOrThrow();
    // Grown, and not written to: of its lists alone.
    const grown = createSparseGuest(sizeBytes + listBytes, pieces);

    const overDamaged = await write(testStore, 'over-damaged', guestOver(grown, device, []).reader);
    const rollBack = new Error('rolled back');
    const sealing = store.db.transact(async (tx) => {
      await quarantineChunk(tx, 'cloud', 'chunk', id, pack_id);
      await assert.rejects(overDamaged.commit(tx), QuarantinedMeanwhile);
      throw rollBack;
    });
    await assert.rejects(sealing, rollBack);

    const overGone = await write(testStore, 'over-gone', guestOver(grown, device, []).reader);
    await letGo(testStore, 'before');
    await assert.rejects(store.db.transact(overGone.commit), /was let go while it was stored over/);
  });

  test('a list that an earlier run began to store is put together of segments, and nothing is left of that run', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const before = await storeGuestAs(testStore, 'before', guest);
    await using device = await openVolume(store, before.id);
    // As a run that found damage: it stores segments itself, and is interrupted when all of them are durable.
    const other: Pieces = new Map([...changedPieces, [0, noise(mib, 1)]]);
    await write(testStore, 'after', createSparseGuest(sizeBytes, other));
    const begun = await store.db.read.selectFrom('import_segments').select('segment_index').execute();
    assert.ok(begun.some(({ segment_index }) => segment_index === 0));

    const after = await storeGuestAs(testStore, 'after', guestOver(changedGuest, device, [changed]).reader);
    const whole = await storeGuestAs(testStore, 'whole', changedGuest, 'another-domain');
    assert.deepEqual(after.rootId, whole.rootId);
    assert.equal(after.storedBytes, whole.storedBytes);
    await store.db.transact((tx) => removeVolumeReference(tx, 'whole'));
    await letGo(testStore, 'before');
    await assertContent(testStore, after.id, changedPieces);
    await letGo(testStore, 'after');
    assert.deepEqual(await store.db.read.selectFrom('packs').select('id').execute(), []);
  });

  test('a small write to a full disk of 1 TiB costs as many statements and rows as one to a disk of 32 GiB', async () => {
    const costs: { readonly writes: number; readonly edges: number; readonly checkpoints: number }[] = [];
    for (const fullBytes of [2 ** 35, 2 ** 40]) {
      let counts = { writes: 0 };
      await using testStore = await openTestStore({
        open,
        wrapDatabase(db) {
          const counted = countWrites(db);
          counts = counted.counts;
          return counted.db;
        },
      });
      const { store } = testStore;
      const one = await storeGuestAs(testStore, 'one', createMemoryGuest(noise(mib, 8)));
      await using first = await openVolume(store, one.id);
      const full = await storeGuestAs(testStore, 'full', await repeatFirstSegment(first, fullBytes));
      await using device = await openVolume(store, full.id);

      const edgesOf = async () => (await store.db.read.selectFrom('manifest_edges').selectAll().execute()).length;
      const edgesBefore = await edgesOf();
      counts.writes = 0;
      const { reader, read } = guestOver(createSparseGuest(fullBytes, new Map([[0, noise(mib, 9)]])), device, [0]);
      const written = await write(testStore, 'after', reader);
      const checkpoints = await store.db.read.selectFrom('import_segments').select('segment_index').execute();
      await store.db.transact(written.commit);
      assert.deepEqual([...read], [0]);
      costs.push({
        writes: counts.writes,
        edges: (await edgesOf()) - edgesBefore,
        checkpoints: checkpoints.length,
      });
    }
    // The root's lists but one are all the same one here, so that its edges do not count those.
    assert.deepEqual(costs[1], costs[0]);
    assert.equal(costs[1]?.checkpoints, 1);
    assert.ok((costs[1]?.writes ?? 0) < 30, `${costs[1]?.writes} statements`);
  });
});
