import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openLocalBlobs } from '../../src/blobs/local.ts';
import { checkStore } from '../../src/volumes/check-store.ts';
import { collectGarbage, sweepOrphanBlobs } from '../../src/volumes/collect-garbage.ts';
import { compactPacks } from '../../src/volumes/compact.ts';
import { measurePacks } from '../../src/volumes/measure-packs.ts';
import { rebuildStore } from '../../src/volumes/rebuild.ts';
import { releaseVolumeWriter } from '../../src/volumes/seal.ts';
import { createStoreThreads, type Store } from '../../src/volumes/store.ts';
import { addVolumeReference, removeVolumeReference } from '../../src/volumes/volume-rows.ts';
import { writeVolume } from '../../src/volumes/write-volume.ts';
import { eachDatabase, type TestDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { createMemoryGuest, storeGuestAs, TestLeases } from '../fixtures/store.ts';
import { readVolume } from '../fixtures/stored-volumes.ts';

/**
 * The store against a map: any sequence of imports, copies, deletions, collections, compactions, rebuilds, interrupted
 * imports and restarts keeps every image's bytes, and fsck has nothing to say behind any step of it.
 */

/** A busy machine explores less in place of taking longer. */
const exploreMs = 15_000;

const pieceBytes = 192 * 1024;
const pieces = Array.from({ length: 10 }, (_, seed) =>
  seed === 0 ? Buffer.alloc(pieceBytes) : noise(pieceBytes, seed),
);

/** A guest: which pieces it is made of, and how many bytes stand behind the last one. */
interface Guest {
  readonly places: readonly number[];
  readonly tail: number;
}

function bytesOf({ places, tail }: Guest): Buffer {
  return Buffer.concat([...places.map((place) => pieces[place] ?? Buffer.alloc(0)), noise(tail, tail)]);
}

/** What must be there: who holds which guest. */
type Model = { readonly held: Map<string, Guest>; operations: number };

/** A store that can be closed and opened again, as a service is. */
class RestartableStore implements AsyncDisposable {
  readonly directory: string;
  readonly leases = new TestLeases();
  readonly volumes = new Map<string, string>();
  readonly #database: TestDatabase;
  readonly #threads = createStoreThreads(2);
  #open: AsyncDisposableStack | undefined;
  #store: Store | undefined;

  constructor(directory: string, database: TestDatabase) {
    this.directory = directory;
    this.#database = database;
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error('the store is not open');
    return this.#store;
  }

  async reopen(): Promise<void> {
    await this.#open?.disposeAsync();
    this.#open = new AsyncDisposableStack();
    const db = this.#open.use(await this.#database.open());
    const blobs = this.#open.use(await openLocalBlobs(join(this.directory, 'packs')));
    const log = { info() {}, warn() {}, error() {} };
    this.#store = { db, blobs, threads: this.#threads, leases: this.leases, log, now: Date.now };
    await sweepOrphanBlobs(this.#store);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.disposeAsync();
    await this.#threads[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

const { signal } = new AbortController();

/** One step: what it does to the store and to the model, and how a counterexample shows it. */
function step(
  name: string,
  run: (model: Model, real: RestartableStore) => Promise<void>,
  isPossible: (model: Model) => boolean = () => true,
): fc.AsyncCommand<Model, RestartableStore> {
  return {
    check: isPossible,
    async run(model, real) {
      await run(model, real);
      assert.deepEqual(await Array.fromAsync(checkStore(real.store)), [], `behind ${name}`);
    },
    toString: () => name,
  };
}

function pick(held: ReadonlyMap<string, Guest>, which: number): string {
  return [...held.keys()][which % held.size] ?? '';
}

const isAnyHeld = ({ held }: Model): boolean => held.size > 0;
const guest = fc.record({ places: fc.array(fc.nat(9), { maxLength: 6 }), tail: fc.nat(9000) });
const commands = [
  guest.map((made) =>
    step(`import ${JSON.stringify(made)}`, async (model, real) => {
      model.operations += 1;
      const holder = `image-${model.operations}`;
      const volume = await storeGuestAs(real, holder, createMemoryGuest(bytesOf(made)));
      model.held.set(holder, made);
      real.volumes.set(holder, volume.id);
    }),
  ),
  fc.tuple(guest, fc.integer({ min: 1, max: 6 })).map(([made, pieceCount]) =>
    step(`import ${JSON.stringify(made)} but lose the lease after ${pieceCount} pieces`, async (model, real) => {
      model.operations += 1;
      const lease = { operationId: `image-${model.operations}`, epoch: 1 };
      const reader = createMemoryGuest(bytesOf(made));
      let passed = 0;
      const onProgress = (bytes: number): void => {
        passed += bytes;
        if (passed >= pieceCount * pieceBytes) real.leases.lose(lease);
      };
      await writeVolume(real.store, { domainId: 'cloud', lease, reader, signal, onProgress }).catch(() => {});
      real.leases.lose(lease);
      await real.store.db.transact((tx) => releaseVolumeWriter(tx, lease.operationId));
    }),
  ),
  fc.nat(50).map((which) =>
    step(
      `copy ${which}`,
      async (model, real) => {
        model.operations += 1;
        const source = pick(model.held, which);
        const holder = `image-${model.operations}`;
        const volumeId = real.volumes.get(source) ?? '';
        await real.store.db.transact((tx) => addVolumeReference(tx, holder, volumeId));
        model.held.set(holder, model.held.get(source) ?? { places: [], tail: 0 });
        real.volumes.set(holder, volumeId);
      },
      isAnyHeld,
    ),
  ),
  fc.nat(50).map((which) =>
    step(
      `delete ${which}`,
      async (model, real) => {
        const holder = pick(model.held, which);
        await real.store.db.transact((tx) => removeVolumeReference(tx, holder));
        model.held.delete(holder);
      },
      isAnyHeld,
    ),
  ),
  fc.constantFrom(-1, 86_400_000).map((delayMs) =>
    step(`collect after ${delayMs} ms`, async (_model, real) => {
      await collectGarbage(real.store, { delayMs });
    }),
  ),
  fc.constant(
    step('compact', async (model, real) => {
      model.operations += 1;
      const lease = { operationId: `compaction-${model.operations}`, epoch: 1 };
      await measurePacks(real.store, { limit: 1000 });
      await compactPacks(real.store, { lease, signal, bytesPerSecond: 0, onProgress: () => {} });
    }),
  ),
  fc.constant(step('reopen', (_model, real) => real.reopen())),
  fc.constant(
    step('rebuild', async (_model, real) => {
      const onRecovered = async () => assert.fail('nothing was lost');
      const { findings } = await rebuildStore(real.store, { signal, lostVolumes: [], onRecovered });
      assert.deepEqual(findings, []);
    }),
  ),
];

eachDatabase(({ create }) => {
  test('keeps what is held, whatever is done around it', { timeout: 120_000 }, async () => {
    const enough = performance.now() + exploreMs;
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 20 }), async (steps) => {
        if (performance.now() > enough) return; // what was begun is ended, and nothing more is begun
        const directory = await mkdtemp(join(tmpdir(), 'obraz-model-'));
        await using real = new RestartableStore(directory, await create());
        await real.reopen();
        const model: Model = { held: new Map(), operations: 0 };
        await fc.asyncModelRun(() => ({ model, real }), steps);

        for (const [holder, made] of model.held) {
          const bytes = await readVolume(real, real.volumes.get(holder) ?? '');
          assert.ok(bytesOf(made).equals(bytes), `${holder} reads back`);
        }
        for (const holder of model.held.keys()) {
          await real.store.db.transact((tx) => removeVolumeReference(tx, holder));
        }
        await collectGarbage(real.store, { delayMs: -1 });
        await collectGarbage(real.store, { delayMs: -1 });
        assert.deepEqual(await Array.fromAsync(real.store.blobs.list()), [], 'nothing is left of what nobody holds');
      }),
      { numRuns: 25 },
    );
  });
});
