import assert from 'node:assert/strict';
import { rename, rm, truncate } from 'node:fs/promises';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { createMemoryGuest, openTestStore, storeGuestAs, type TestStore } from '../../test/fixtures/store.ts';
import { flipByte, livePacks, packPath, readVolume } from '../../test/fixtures/stored-volumes.ts';
import type { Transaction } from '../db/database.ts';
import { createPace } from '../lib/pace.ts';
import { checkStore } from './check-store.ts';
import { findEntriesOfPack } from './chunk-rows.ts';
import { collectGarbage, sweepOrphanBlobs } from './collect-garbage.ts';
import type { Finding } from './finding.ts';
import { isRebuildUnfinished, rebuildStore } from './rebuild.ts';
import { scrub, scrubStart } from './scrub.ts';
import type { Store } from './store.ts';
import { addVolumeReference, removeVolumeReference } from './volume-rows.ts';

const mib = 1024 * 1024;
const { signal } = new AbortController();

async function namesOf(store: Store): Promise<string[]> {
  const findings = await Array.fromAsync(checkStore(store));
  return [...new Set(findings.map(({ what }) => what))].sort();
}

async function scrubAll(store: Store, from = scrubStart): Promise<Finding[]> {
  const all: Finding[] = [];
  await scrub(store, {
    pace: createPace(0),
    signal,
    from,
    onPack: async (_position, findings) => void all.push(...findings),
  });
  return all;
}

/** Two volumes that share most of their chunks, in two packs. */
async function openFilledStore(open: Parameters<typeof openTestStore>[0]): Promise<TestStore> {
  const testStore = await openTestStore(open);
  const shared = noise(5 * mib, 1);
  await storeGuestAs(testStore, 'one', createMemoryGuest(shared));
  await storeGuestAs(testStore, 'two', createMemoryGuest(Buffer.concat([shared, noise(2 * mib, 2)])));
  return testStore;
}

async function biggestPack(testStore: TestStore): Promise<{ id: string; size: number }> {
  const [pack] = await livePacks(testStore);
  assert.ok(pack);
  return pack;
}

/** A fault, and what a check must call it. */
const faults: readonly [fault: string, expected: readonly string[], (testStore: TestStore) => Promise<void>][] = [
  [
    'a pack that is gone',
    ['pack-missing', 'volume-unreadable'],
    async (testStore) => testStore.store.blobs.delete((await biggestPack(testStore)).id),
  ],
  [
    'a pack that is cut short',
    ['pack-size'],
    async (testStore) => {
      const { id, size } = await biggestPack(testStore);
      await truncate(packPath(testStore, id), size - 1);
    },
  ],
  ['a damaged header', ['pack-broken'], async (testStore) => flipByte(testStore, (await biggestPack(testStore)).id, 3)],
  [
    'a damaged index',
    ['pack-broken'],
    async (testStore) => {
      const { id, size } = await biggestPack(testStore);
      await flipByte(testStore, id, size - 100);
    },
  ],
  [
    'a row of the index that points elsewhere',
    ['pack-index'],
    async ({ store }) =>
      change(store, (tx) =>
        tx
          .updateTable('chunks')
          .set((c) => ({ pack_offset: c('pack_offset', '+', 1) }))
          .where('kind', '=', 'chunk'),
      ),
  ],
  [
    'rows of the index that are gone',
    ['chunks-missing'],
    async ({ store }) => change(store, (tx) => tx.deleteFrom('chunks').where('kind', '=', 'chunk')),
  ],
  [
    'a node that is not in the index',
    ['volume-unreadable'],
    async ({ store }) => change(store, (tx) => tx.deleteFrom('chunks').where('kind', '=', 'node')),
  ],
  [
    'chunks in quarantine',
    ['chunks-quarantined'],
    async ({ store }) =>
      change(store, (tx) => tx.updateTable('chunks').set({ quarantined: 1 }).where('kind', '=', 'chunk')),
  ],
  [
    'needs that are not written down',
    ['segment-packs'],
    async ({ store }) => change(store, (tx) => tx.deleteFrom('segment_packs')),
  ],
  [
    'edges that are not written down',
    ['manifest-edges'],
    async ({ store }) => change(store, (tx) => tx.deleteFrom('manifest_edges')),
  ],
  [
    'a volume of another size',
    ['volume-size'],
    async ({ store }) => change(store, (tx) => tx.updateTable('volumes').set({ size: 1 })),
  ],
  [
    'a volume of another digest',
    ['volume-digest'],
    async ({ store }) => change(store, (tx) => tx.updateTable('volumes').set({ guest_digest: new Uint8Array(32) })),
  ],
  [
    'another number of stored bytes',
    ['volume-stored-bytes'],
    async ({ store }) => change(store, (tx) => tx.updateTable('volumes').set({ stored_bytes: 1 })),
  ],
  [
    'a condemned pack that the index names',
    ['condemned-pack-indexed'],
    async ({ store }) => change(store, (tx) => tx.updateTable('packs').set({ state: 'condemned', condemned_at: 1 })),
  ],
  [
    'a blob that no row names',
    ['pack-orphan'],
    async ({ store }) => {
      await using blob = await store.blobs.create('0123456789abcdef');
      await blob.append([noise(100, 1)]);
      await blob.seal();
    },
  ],
];

async function change(store: Store, make: (tx: Transaction) => { execute(): Promise<unknown> }): Promise<void> {
  await store.db.transact(async (tx) => void (await make(tx).execute()));
}

eachDatabase(({ open }) => {
  test('finds nothing in a healthy store', async () => {
    await using testStore = await openFilledStore({ open });
    assert.deepEqual(await Array.fromAsync(checkStore(testStore.store)), []);
    assert.deepEqual(await scrubAll(testStore.store), []);
  });

  for (const [fault, expected, make] of faults) {
    test(`finds ${fault}`, async () => {
      await using testStore = await openFilledStore({ open });
      await make(testStore);
      assert.deepEqual(await namesOf(testStore.store), expected);
    });
  }

  test('finds a condemned pack that is gone before its time, and not one whose time is over', async () => {
    await using testStore = await openFilledStore({ open });
    const { store } = testStore;
    for (const holder of ['one', 'two']) await store.db.transact((tx) => removeVolumeReference(tx, holder));
    const delayMs = 60_000;
    await collectGarbage(store, { delayMs });
    const [condemned] = await store.db.read.selectFrom('packs').selectAll().where('state', '=', 'condemned').execute();
    assert.ok(condemned);
    await store.blobs.delete(condemned.id);
    const found = await Array.fromAsync(checkStore(store, { keepDeletedMs: delayMs }));
    assert.deepEqual(
      found.map(({ what }) => what),
      ['condemned-pack-missing'],
    );
    assert.deepEqual(await Array.fromAsync(checkStore(store, { keepDeletedMs: 0 })), []);
  });

  test('a scrub finds a flipped bit, quarantines it and names who is touched; an import heals it', async () => {
    await using testStore = await openFilledStore({ open });
    const { store } = testStore;
    const pack = await biggestPack(testStore);
    const entry = (await findEntriesOfPack(store.db.read, pack.id)).find(({ kind }) => kind === 'chunk');
    assert.ok(entry);
    await flipByte(testStore, pack.id, entry.packOffset + 9);
    assert.deepEqual(await namesOf(store), [], 'a check does not read chunks');
    const [finding, ...others] = await scrubAll(store);
    assert.deepEqual(others, []);
    assert.equal(finding?.what, 'chunk-corrupt');
    assert.match(finding?.fact ?? '', /^1 chunks are damaged, needed by one, two; /);
    assert.deepEqual(await namesOf(store), ['chunks-quarantined']);
    assert.deepEqual(await scrubAll(store), [], 'it is told once');
    await storeGuestAs(testStore, 'again', createMemoryGuest(noise(5 * mib, 1)));
    assert.deepEqual(await namesOf(store), []);
  });

  test('a scrub quarantines all of a pack that is gone, so that imports bring it again', async () => {
    await using testStore = await openFilledStore({ open });
    const { store } = testStore;
    const { id } = await biggestPack(testStore);
    await rm(packPath(testStore, id));
    const [finding] = await scrubAll(store);
    assert.match(finding?.fact ?? '', /needed by one, two/);
    const volume = await storeGuestAs(testStore, 'again', createMemoryGuest(noise(5 * mib, 1)));
    assert.ok(noise(5 * mib, 1).equals(await readVolume(testStore, volume.id)));
  });

  test('a scrub takes out of quarantine what reads right again: a pack that was restored', async () => {
    await using testStore = await openFilledStore({ open });
    const { store } = testStore;
    const { id } = await biggestPack(testStore);
    const path = packPath(testStore, id);
    await rename(path, `${path}.away`);
    await scrubAll(store);
    await rename(`${path}.away`, path);
    assert.deepEqual(await namesOf(store), ['chunks-quarantined', 'volume-unreadable']);
    assert.deepEqual(await scrubAll(store), []);
    assert.deepEqual(await namesOf(store), []);
  });

  test('a scrub goes on behind the pack that it was interrupted after', async () => {
    await using testStore = await openFilledStore({ open });
    const packs = (await livePacks(testStore)).map(({ id }) => id).sort();
    const read: string[] = [];
    const from = { packId: packs[0] ?? '', packs: 1, chunks: 10, bytes: 100 };
    const end = await scrub(testStore.store, {
      pace: createPace(0),
      signal,
      from,
      onPack: async ({ packId }) => void read.push(packId),
    });
    assert.deepEqual(read, packs.slice(1));
    assert.equal(end.packs, packs.length);
  });

  test('a rebuild makes lost rows again', async () => {
    await using testStore = await openFilledStore({ open });
    const { store } = testStore;
    await store.db.transact(async (tx) => {
      for (const table of ['segment_packs', 'manifest_edges'] as const) await tx.deleteFrom(table).execute();
      await tx.deleteFrom('chunks').where('kind', '=', 'chunk').execute();
    });
    const rebuilt = await rebuildStore(store, { signal, lostVolumes: [], onRecovered: async () => {} });
    assert.equal(rebuilt.knownVolumes, 2);
    assert.equal(rebuilt.recoveredVolumes, 0);
    assert.deepEqual(rebuilt.findings, []);
    assert.deepEqual(await namesOf(store), []);
    assert.equal(await isRebuildUnfinished(store.db.read), false);
  });

  test('a rebuild from the packs alone brings every volume back, and not those that were deleted', async () => {
    await using testStore = await openFilledStore({ open });
    const { store } = testStore;
    await storeGuestAs(testStore, 'deleted', createMemoryGuest(noise(2 * mib, 3)));
    await store.db.transact((tx) => removeVolumeReference(tx, 'deleted'));
    await collectGarbage(store, { delayMs: 86_400_000 });
    const recovered: { id: string; sizeBytes: number }[] = [];
    const rebuild = () =>
      rebuildStore(store, {
        signal,
        lostVolumes: [],
        onRecovered: async (tx, volume) => {
          recovered.push({ id: volume.id, sizeBytes: volume.sizeBytes });
          await addVolumeReference(tx, `recovered ${volume.id}`, volume.id);
        },
      });
    await rebuild();
    assert.deepEqual(recovered, []);

    // The metadata is gone; a start may have swept before anybody noticed.
    await store.db.transact(async (tx) => {
      const tables = ['volume_references', 'volumes', 'segment_packs', 'manifest_edges', 'chunks', 'packs'] as const;
      for (const table of tables) await tx.deleteFrom(table).execute();
    });
    assert.ok((await sweepOrphanBlobs(store)) >= 3);
    await rebuild();
    assert.equal(recovered.length, 3);
    assert.deepEqual(await namesOf(store), []);
    await collectGarbage(store, { delayMs: -1 });
    for (const { id, sizeBytes } of recovered) {
      const bytes = await readVolume(testStore, id);
      assert.equal(bytes.length, sizeBytes);
    }
    const whole = Buffer.concat([noise(5 * mib, 1), noise(2 * mib, 2)]);
    const ids = recovered.filter(({ sizeBytes }) => sizeBytes === whole.length).map(({ id }) => id);
    assert.ok(whole.equals(await readVolume(testStore, ids[0] ?? '')));
  });
});
