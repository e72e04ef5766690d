import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import { openLocalBlobs } from '../../src/blobs/local.ts';
import type { Database } from '../../src/db/database.ts';
import { openSqlite } from '../../src/db/open-sqlite.ts';
import { collectGarbage, sweepOrphanBlobs } from '../../src/volumes/collect-garbage.ts';
import type { createStoreThreads, Store } from '../../src/volumes/store.ts';
import { openVolume } from '../../src/volumes/stored-device.ts';
import { addVolumeReference, removeVolumeReference } from '../../src/volumes/volume-rows.ts';
import { writeVolume } from '../../src/volumes/write-volume.ts';
import { noise } from '../fixtures/guest.ts';
import { createMemoryGuest, TestLeases } from '../fixtures/store.ts';
import type { Random } from './random.ts';
import { Dead, type FileFault, VolatileFiles } from './volatile-files.ts';

/** An operation that stores a guest; its volume's holder has the same name. */
interface Work {
  readonly operationId: string;
  readonly guest: Buffer;
  epoch: number;
  state: 'begun' | 'stored' | 'deleted';
}

/** A store on files that lose what was not synced, and what it told its user. */
export interface FragileStore extends AsyncDisposable {
  /** Works under a fault, then starts again on what survived and checks all of it. */
  round(fault: FileFault | undefined): Promise<{ readonly calls: number; readonly isCut: boolean }>;
  /** Ends all work, deletes everything and collects: nothing may be left. */
  end(): Promise<void>;
  readonly readBack: number;
}

const kib = 1024;
const runBytes = 512 * kib;
const domainId = 'cloud';
const keepNone = { delayMs: -1 };

/** What makes the store's threads, which are the same for all stores of a test. */
export type StoreThreads = ReturnType<typeof createStoreThreads>;

export async function openFragileStore(random: Random, threads: StoreThreads): Promise<FragileStore> {
  await using opening = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'obraz-fragile-'));
  opening.defer(() => rm(directory, { recursive: true, force: true }));
  // SQLite's own durability is trusted: what was committed is there after a cut.
  const db = opening.use(await openSqlite(join(directory, 'metadata.db')));
  const packs = join(directory, 'packs');
  const files = opening.use(new VolatileFiles({ root: packs, shadow: join(directory, 'shadow'), random }));
  const leases = new TestLeases();
  const works: Work[] = [];
  let readBack = 0;
  let clock = 0;

  const powered: Database = {
    ...db,
    async transact(work) {
      if (files.isDead) throw new Dead();
      const result = await db.transact(async (tx) => {
        const done = await work(tx);
        if (files.isDead) throw new Dead();
        return done;
      });
      if (files.isDead) throw new Dead();
      return result;
    },
  };

  async function openStore(): Promise<Store & { readonly blobs: BlobStore }> {
    const log = { info() {}, warn() {}, error() {} };
    // Time flies, so that packs are old at once and an import makes many checkpoints.
    const now = () => (clock += random.below(4_000));
    return { db: powered, blobs: await openLocalBlobs(packs), threads, leases, log, now };
  }

  /** Three runs of five that all guests have parts of, and a hole. */
  function makeGuest(): Buffer {
    const guest = Buffer.alloc(4 * runBytes + random.below(3) * 512);
    for (let run = 0; run < 3; run += 1) noise(runBytes, random.below(5)).copy(guest, run * runBytes);
    return guest;
  }

  async function storeWork(store: Store, work: Work): Promise<void> {
    leases.lose({ operationId: work.operationId, epoch: work.epoch });
    work.epoch += 1;
    const lease = { operationId: work.operationId, epoch: work.epoch };
    const { signal } = new AbortController();
    const reader = createMemoryGuest(work.guest);
    const written = await writeVolume(store, { domainId, lease, reader, signal, onProgress() {} });
    await store.db.transact(async (tx) => {
      const volume = await written.commit(tx);
      await addVolumeReference(tx, work.operationId, volume.id);
    });
    leases.lose(lease); // an operation that is done has no lease
    work.state = 'stored';
  }

  async function deleteWork(store: Store, work: Work): Promise<void> {
    work.state = 'deleted';
    await store.db.transact((tx) => removeVolumeReference(tx, work.operationId));
  }

  async function collect(store: Store): Promise<void> {
    await collectGarbage(store, keepNone);
  }

  /** Reads back what was said to be stored, and what was committed without anybody hearing of it. */
  async function checkAll(store: Store): Promise<void> {
    const rows = await db.read.selectFrom('volume_references').selectAll().execute();
    const held = new Map(rows.map(({ holder_id, volume_id }) => [holder_id, volume_id]));
    for (const work of works) {
      const volumeId = held.get(work.operationId);
      if (volumeId === undefined) {
        assert.notEqual(work.state, 'stored', `${work.operationId} was stored and is gone`);
        continue;
      }
      if (work.state === 'begun') {
        work.state = 'stored';
        leases.lose({ operationId: work.operationId, epoch: work.epoch });
      }
      await using device = await openVolume(store, volumeId);
      const bytes = Buffer.alloc(device.sizeBytes);
      await device.readAt(bytes, 0);
      assert.ok(bytes.equals(work.guest), `${work.operationId} reads back other bytes`);
      readBack += 1;
    }
    // A delete that was not answered was done or not; it is asked for again.
    for (const work of works) if (work.state === 'deleted') await deleteWork(store, work);
  }

  async function round(fault: FileFault | undefined) {
    files.setFault(fault);
    const failed: unknown[] = [];
    try {
      const store = await openStore();
      await using _blobs = store.blobs;
      await sweepOrphanBlobs(store);
      const tasks = works.filter(({ state }) => state === 'begun').map((work) => storeWork(store, work));
      for (let count = random.below(3); count >= 0; count -= 1) {
        const work: Work = { operationId: `op-${works.length}`, guest: makeGuest(), epoch: 0, state: 'begun' };
        works.push(work);
        tasks.push(storeWork(store, work));
      }
      const stored = works.filter(({ state }) => state === 'stored');
      if (stored.length > 2) tasks.push(deleteWork(store, random.pick(stored)));
      tasks.push(collect(store));
      for (const result of await Promise.allSettled(tasks))
        if (result.status === 'rejected') failed.push(result.reason);
      if (failed.length === 0) await collect(store);
    } catch (error) {
      failed.push(error);
    }
    if (fault === undefined && failed.length > 0) throw failed[0];
    const { calls, isCut } = files;
    files.restart();
    const store = await openStore();
    await using _blobs = store.blobs;
    await checkAll(store);
    return { calls, isCut };
  }

  async function end(): Promise<void> {
    files.setFault(undefined);
    const store = await openStore();
    await using _blobs = store.blobs;
    await sweepOrphanBlobs(store);
    for (const work of works) if (work.state === 'begun') await storeWork(store, work);
    await checkAll(store);
    await collect(store);
    await checkAll(store);
    const needed = await db.read.selectFrom('packs').select('id').execute();
    const there = await Array.fromAsync(store.blobs.list(), ({ name }) => name);
    assert.deepEqual(
      there.toSorted(),
      needed.map(({ id }) => id).toSorted(),
      'every blob has its row, every row its blob',
    );
    for (const work of works) if (work.state === 'stored') await deleteWork(store, work);
    await collect(store);
    assert.deepEqual(await db.read.selectFrom('packs').selectAll().execute(), []);
    assert.deepEqual(await Array.fromAsync(store.blobs.list()), []);
    assert.deepEqual(await readdir(join(packs, 'partial')), [], 'nothing is left half-written');
  }

  const owned = opening.move();
  return {
    round,
    end,
    get readBack() {
      return readBack;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
