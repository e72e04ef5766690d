import assert from 'node:assert/strict';
import { open as openFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { guestOver } from '../../test/fixtures/guest-over.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../../test/fixtures/store.ts';
import { collectGarbage, sweepOrphanBlobs } from './collect-garbage.ts';
import { ChunkCorrupt } from './quarantine.ts';
import { openVolume } from './stored-device.ts';
import { removeVolumeReference } from './volume-rows.ts';
import { writeVolume } from './write-volume.ts';

const mib = 1024 * 1024;

/** Bytes that look random but are the same every time. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 2654435761 + 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

async function readAll(testStore: TestStore, volumeId: string): Promise<Uint8Array> {
  await using device = await openVolume(testStore.store, volumeId);
  const bytes = new Uint8Array(device.sizeBytes);
  for (let offset = 0; offset < bytes.length; offset += 3 * mib) {
    await device.readAt(bytes.subarray(offset, offset + 3 * mib), offset);
  }
  return bytes;
}

async function countRows(
  { store }: TestStore,
  table: 'packs' | 'chunks' | 'segment_packs' | 'manifest_edges' | 'loose_nodes',
) {
  const row = await store.db.read
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirst();
  return row?.n ?? 0;
}

const keepAll = { delayMs: 86_400_000 };
const keepNone = { delayMs: -1 };

eachDatabase(({ open }) => {
  test('gives back what was written: data, zeros, a ragged end', async () => {
    await using testStore = await openTestStore({ open });
    const bytes = new Uint8Array(70 * mib + 512);
    bytes.set(noise(5 * mib, 1), 0);
    bytes.set(noise(3 * mib, 2), 62 * mib + 4096); // over the border of a segment
    bytes.set(noise(512, 3), 70 * mib);
    const volume = await storeGuestAs(testStore, 'op', createMemoryGuest(bytes));
    assert.ok(Buffer.from(await readAll(testStore, volume.id)).equals(bytes));
    assert.equal(volume.sizeBytes, bytes.length);
    await using device = await openVolume(testStore.store, volume.id);
    const extents = await Array.fromAsync(device.extents(0, device.sizeBytes));
    assert.deepEqual(
      extents.map(({ offset, length, kind }) => [offset, length, kind]),
      [
        [0, 5 * mib, 'data'],
        [5 * mib, 57 * mib + 4096, 'hole'],
        [62 * mib + 4096, 3 * mib, 'data'],
        [65 * mib + 4096, 5 * mib - 4096, 'hole'],
        [70 * mib, 512, 'data'],
      ],
    );
  });

  test('stores an empty disk and one of zeros', async () => {
    await using testStore = await openTestStore({ open });
    const volume = await storeGuestAs(testStore, 'op', createMemoryGuest(new Uint8Array(3 * mib)));
    assert.deepEqual(await readAll(testStore, volume.id), new Uint8Array(3 * mib));
  });

  test('stores the same content once, under one name', async () => {
    await using testStore = await openTestStore({ open });
    const bytes = noise(9 * mib, 4);
    const first = await storeGuestAs(testStore, 'first', createMemoryGuest(bytes));
    const before = await countRows(testStore, 'chunks');
    const second = await storeGuestAs(testStore, 'second', createMemoryGuest(bytes));
    assert.equal(second.id, first.id);
    assert.equal(await countRows(testStore, 'chunks'), before);
    assert.equal(second.storedBytes, first.storedBytes);
  });

  test('shares nothing between domains', async () => {
    await using testStore = await openTestStore({ open });
    const bytes = noise(2 * mib, 5);
    await storeGuestAs(testStore, 'first', createMemoryGuest(bytes), 'one');
    const before = await countRows(testStore, 'chunks');
    await storeGuestAs(testStore, 'second', createMemoryGuest(bytes), 'other');
    assert.equal(await countRows(testStore, 'chunks'), before * 2);
  });

  test('takes over segments that are stored, without reading them', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const guest = Buffer.concat([noise(70 * mib, 60), Buffer.alloc(60 * mib), noise(3 * mib, 61)]);
    const before = await storeGuestAs(testStore, 'before', createMemoryGuest(guest));
    await using device = await openVolume(store, before.id);
    const changed = Buffer.from(guest);
    changed.set(noise(5_000, 62), 69 * mib);
    const { reader, read } = guestOver(createMemoryGuest(changed), device, [1]);
    const after = await storeGuestAs(testStore, 'after', reader);
    assert.deepEqual([...read], [1]);
    const whole = await storeGuestAs(testStore, 'whole', createMemoryGuest(changed), 'another-domain');
    assert.deepEqual(after.guestDigest, whole.guestDigest);
    assert.equal(after.storedBytes, whole.storedBytes);
    assert.ok(changed.equals(await readAll(testStore, after.id)));
  });

  test('stores anew what is kept in another domain only, and needs nothing of that any more', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const guest = noise(2 * mib, 63);
    const standard = await storeGuestAs(testStore, 'standard', createMemoryGuest(guest), 'another-domain');
    await using device = await openVolume(store, standard.id);
    const { reader, read } = guestOver(createMemoryGuest(guest), device, []);
    const own = await storeGuestAs(testStore, 'own', reader);
    assert.deepEqual([...read], [0]);
    read.clear();
    assert.notEqual(own.id, standard.id);
    assert.deepEqual(own.rootId, standard.rootId);
    assert.equal((await storeGuestAs(testStore, 'again', reader)).id, own.id);
    assert.equal(read.size, 0, 'this domain has it by now');
    const needs = await store.db.read
      .selectFrom('segment_packs')
      .innerJoin('packs', 'packs.id', 'pack_id')
      .select(['segment_packs.domain_id as node_domain', 'packs.domain_id as pack_domain'])
      .execute();
    for (const { node_domain, pack_domain } of needs) assert.equal(pack_domain, node_domain);

    await store.db.transact((tx) => removeVolumeReference(tx, 'standard'));
    await collectGarbage(store, keepNone);
    const left = await store.db.read.selectFrom('packs').select('domain_id').distinct().execute();
    assert.deepEqual(left, [{ domain_id: 'cloud' }]);
    assert.deepEqual(await readAll(testStore, own.id), guest);
  });

  test('collects what nobody refers to, and only that', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const shared = noise(8 * mib, 6);
    const kept = await storeGuestAs(testStore, 'kept', createMemoryGuest(shared));
    const gone = new Uint8Array(16 * mib);
    gone.set(shared, 0);
    gone.set(noise(8 * mib, 7), 8 * mib);
    await storeGuestAs(testStore, 'gone', createMemoryGuest(gone));
    await store.db.transact((tx) => removeVolumeReference(tx, 'gone'));

    const first = await collectGarbage(store, keepAll);
    assert.equal(first.volumes, 1);
    assert.equal(first.condemnedPacks, 1);
    assert.equal(first.deletedPacks, 0, 'a backup may still refer to it');
    const second = await collectGarbage(store, keepNone);
    assert.equal(second.deletedPacks, 1);
    assert.ok(Buffer.from(await readAll(testStore, kept.id)).equals(shared));

    await store.db.transact((tx) => removeVolumeReference(tx, 'kept'));
    await collectGarbage(store, keepNone);
    for (const table of ['packs', 'chunks', 'segment_packs', 'manifest_edges'] as const) {
      assert.equal(await countRows(testStore, table), 0, table);
    }
    assert.deepEqual(await Array.fromAsync(store.blobs.list()), []);
  });

  test('finds nodes that were lost without a word, when it looks for such', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const kept = await storeGuestAs(testStore, 'kept', createMemoryGuest(noise(8 * mib, 13)));
    await storeGuestAs(testStore, 'lost', createMemoryGuest(noise(80 * mib, 14)));
    await store.db.transact(async (tx) => {
      await removeVolumeReference(tx, 'lost');
      await tx.deleteFrom('volumes').where('id', '<>', kept.id).execute();
    });
    const nodes = await countRows(testStore, 'segment_packs');
    await collectGarbage(store, keepNone);
    assert.equal(await countRows(testStore, 'segment_packs'), nodes, 'nobody said a word');
    await collectGarbage(store, { ...keepNone, looksForLost: true });
    assert.ok((await countRows(testStore, 'segment_packs')) < nodes / 2);
    assert.equal(await countRows(testStore, 'loose_nodes'), 0);
    assert.equal((await readAll(testStore, kept.id)).length, 8 * mib);
    await store.db.transact((tx) => removeVolumeReference(tx, 'kept'));
    await collectGarbage(store, keepNone);
    assert.equal(await countRows(testStore, 'packs'), 0);
  });

  test('an import that a collection overtakes loses nothing', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const bytes = noise(6 * mib, 8);
    await storeGuestAs(testStore, 'old', createMemoryGuest(bytes));
    const lease = { operationId: 'new', epoch: 1 };
    const { signal } = new AbortController();
    const reader = createMemoryGuest(bytes);
    const written = await writeVolume(store, { domainId: 'cloud', lease, reader, signal, onProgress() {} });
    // Everything the new import refers to belongs to a volume that is deleted now.
    await store.db.transact((tx) => removeVolumeReference(tx, 'old'));
    await collectGarbage(store, keepNone);
    const volume = await store.db.transact((tx) => written.commit(tx));
    assert.ok(Buffer.from(await readAll(testStore, volume.id)).equals(bytes));
  });

  test('a worker that lost its lease commits nothing, and its packs are collected', async () => {
    await using testStore = await openTestStore({ open });
    const { store, leases } = testStore;
    const lease = { operationId: 'op', epoch: 1 };
    const reader = createMemoryGuest(noise(6 * mib, 9));
    const { signal } = new AbortController();
    const onProgress = () => leases.lose(lease);
    await assert.rejects(writeVolume(store, { domainId: 'cloud', lease, reader, signal, onProgress }), /lease lost/);
    await collectGarbage(store, keepAll);
    assert.equal(await countRows(testStore, 'packs'), 0);
    assert.deepEqual(await Array.fromAsync(store.blobs.list()), []);
  });

  test('goes on from its checkpoint under a new lease', async () => {
    await using testStore = await openTestStore({ open });
    const { store, leases } = testStore;
    const bytes = noise(80 * mib, 10);
    const old = { operationId: 'op', epoch: 1 };
    const signal = new AbortController().signal;
    let passed = 0;
    const onProgress = (guestBytes: number) => {
      passed += guestBytes;
      if (passed > 70 * mib) leases.lose(old); // at least one pack of 32 MiB is committed by then
    };
    const reader = createMemoryGuest(bytes);
    await assert.rejects(writeVolume(store, { domainId: 'cloud', lease: old, reader, signal, onProgress }));
    const kept = await store.db.read.selectFrom('import_segments').selectAll().execute();
    assert.ok(kept.reduce((sum, row) => sum + row.done_bytes, 0) >= 28 * mib);

    const written = await writeVolume(store, {
      domainId: 'cloud',
      lease: { operationId: 'op', epoch: 2 },
      reader,
      signal,
      onProgress: () => {},
    });
    const volume = await store.db.transact((tx) => written.commit(tx));
    assert.ok(Buffer.from(await readAll(testStore, volume.id)).equals(bytes));
    await using other = await openTestStore({ open });
    const straight = await storeGuestAs(other, 'op', createMemoryGuest(bytes));
    assert.deepEqual(volume.rootId, straight.rootId, 'cut and digested as if it had never been interrupted');
  });

  test('rot is an error and never other bytes; the next import of the bytes heals every volume', async () => {
    await using testStore = await openTestStore({ open });
    const { store, directory } = testStore;
    const bytes = noise(4 * mib, 11);
    const volume = await storeGuestAs(testStore, 'op', createMemoryGuest(bytes));
    const [folder] = (await readdir(join(directory, 'packs'))).filter((name) => name !== 'partial');
    const [pack] = await readdir(join(directory, 'packs', folder ?? ''));
    await using file = await openFile(join(directory, 'packs', folder ?? '', pack ?? ''), 'r+');
    await file.write(Uint8Array.of(0xff, 0xee, 0xdd), 0, 3, 100_000);

    await assert.rejects(readAll(testStore, volume.id), ChunkCorrupt);
    await assert.rejects(readAll(testStore, volume.id), /damaged or missing/);
    const healed = await storeGuestAs(testStore, 'again', createMemoryGuest(bytes));
    assert.equal(healed.id, volume.id);
    assert.ok(Buffer.from(await readAll(testStore, volume.id)).equals(bytes));
    await collectGarbage(store, keepNone);
    assert.ok(Buffer.from(await readAll(testStore, volume.id)).equals(bytes), 'and a collection knows it');
  });

  test('sweeps blobs that no pack names', async () => {
    await using testStore = await openTestStore({ open });
    const { store } = testStore;
    const volume = await storeGuestAs(testStore, 'op', createMemoryGuest(noise(mib, 12)));
    await using blob = await store.blobs.create('0123456789abcdef');
    await blob.append([noise(100, 1)]);
    await blob.seal();
    assert.equal(await sweepOrphanBlobs(store), 1);
    assert.equal((await readAll(testStore, volume.id)).length, mib);
  });

  test('any split of reads equals one read', async () => {
    await using testStore = await openTestStore({ open });
    const bytes = new Uint8Array(4 * mib);
    for (let block = 0; block < 1022; block += 3) bytes.set(noise(4096 * (block % 2) + 700, block), block * 4096);
    const volume = await storeGuestAs(testStore, 'op', createMemoryGuest(bytes));
    await using device = await openVolume(testStore.store, volume.id);
    const range = fc.tuple(fc.nat(bytes.length), fc.nat(mib));
    await fc.assert(
      fc.asyncProperty(range, async ([offset, wanted]) => {
        const length = Math.min(wanted, bytes.length - offset);
        const target = new Uint8Array(length).fill(0xaa);
        await device.readAt(target, offset);
        assert.ok(Buffer.from(target).equals(bytes.subarray(offset, offset + length)));
      }),
      { numRuns: 100 },
    );
  });
});
