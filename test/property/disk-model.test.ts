import assert from 'node:assert/strict';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDisk } from '../../src/disks/create-disk.ts';
import { deleteDisk } from '../../src/disks/delete-disk.ts';
import type { DiskContents } from '../../src/disks/disk-contents.ts';
import { type DiskInUse, OpenDisks } from '../../src/disks/open-disks.ts';
import { updateDisk } from '../../src/disks/update-disk.ts';
import { internal } from '../../src/errors.ts';
import { findFrozenDisks } from '../../src/images/find-frozen-disks.ts';
import { lockImageSource } from '../../src/images/image-source.ts';
import { FairBudget } from '../../src/lib/fair-budget.ts';
import { checkHolders } from '../../src/maintenance/check-holders.ts';
import { claimNext } from '../../src/operations/claim-operations.ts';
import { fail, finish } from '../../src/operations/end-run.ts';
import { kindsByName, type OperationKind } from '../../src/operations/kind.ts';
import { endLeases, findRow, toInput } from '../../src/operations/operation-rows.ts';
import { createSnapshotCreation } from '../../src/snapshots/create-kind.ts';
import { createSnapshot } from '../../src/snapshots/create-snapshot.ts';
import { deleteSnapshot } from '../../src/snapshots/delete-snapshot.ts';
import { createSnapshotKind } from '../../src/snapshots/operation-names.ts';
import { lockSnapshotSource } from '../../src/snapshots/snapshot-rows.ts';
import { checkStore } from '../../src/volumes/check-store.ts';
import { collectGarbage } from '../../src/volumes/collect-garbage.ts';
import { ReadCache } from '../../src/volumes/read-cache.ts';
import { openVolume } from '../../src/volumes/stored-device.ts';
import { catalog, createDiskRequest } from '../fixtures/disk-fixture.ts';
import { caller, folderId, insertFolder } from '../fixtures/image-fixture.ts';
import { contentsHere, testNodeId } from '../fixtures/node-fixture.ts';
import { openTestStore, type TestStore } from '../fixtures/store.ts';
import { noDiskUsers } from '../fixtures/untouched-disks.ts';

/**
 * Disks against memory: any sequence of writes, zeros, flushes, snapshots that are stored, fail or wait, clones, growth,
 * deletions, collections, restarts and kills keeps every byte of each disk and of each snapshot, and fsck has nothing to say
 * behind any step of it.
 */

/** A busy machine explores less in place of taking longer. */
const exploreMs = 12_000;

const mib = 1024 * 1024;
const blockBytes = 4096;
/** Where writes go and reads look: what begins a disk, and the border between its first two segments. */
const windowBytes = 192 * 1024;
const windows = [0, 64 * mib - windowBytes / 2] as const;
const sizes = [4 * mib, 68 * mib] as const;

/** What is within the windows of a disk or a snapshot, and its size. */
interface Content {
  readonly sizeBytes: number;
  readonly bytes: readonly Buffer[];
}

interface Model {
  readonly disks: Map<string, Content>;
  readonly snapshots: Map<string, Content>;
}

const copyOf = ({ sizeBytes, bytes }: Content): Content => ({ sizeBytes, bytes: bytes.map((one) => Buffer.from(one)) });

/** Disks over a store, that are closed, killed and opened again. */
class Real implements AsyncDisposable {
  readonly testStore: TestStore;
  readonly memory = new FairBudget(256 * mib);
  readonly #used = new Map<string, DiskInUse>();
  readonly #releases = new Set<Promise<void>>();
  #directory = '';
  #starts = 0;
  #disks: OpenDisks | undefined;

  constructor(testStore: TestStore) {
    this.testStore = testStore;
  }

  get store() {
    return this.testStore.store;
  }

  get disks(): OpenDisks {
    if (this.#disks === undefined) throw new Error('the disks are not open');
    return this.#disks;
  }

  /** As the operations see it; what they release in the background is waited for when it matters. */
  get contents(): DiskContents {
    const { disks } = this;
    return {
      ...contentsHere(disks),
      release: ({ frozenId }, stored) => {
        const released = disks.release(frozenId, stored);
        this.#releases.add(released);
        return released;
      },
    };
  }

  /** Disks stay in use between steps, as those of guests do. */
  async use(diskId: string): Promise<DiskInUse['device']> {
    const used = this.#used.get(diskId) ?? (await this.disks.use({ id: diskId }));
    this.#used.set(diskId, used);
    return used.device;
  }

  async giveBack(diskId: string): Promise<void> {
    const used = this.#used.get(diskId);
    this.#used.delete(diskId);
    await used?.[Symbol.asyncDispose]();
  }

  async released(): Promise<void> {
    await Promise.all(this.#releases);
    this.#releases.clear();
  }

  async close(): Promise<void> {
    for (const diskId of this.#used.keys()) await this.giveBack(diskId);
    await this.released();
    await this.#disks?.[Symbol.asyncDispose]();
    this.#disks = undefined;
  }

  /** @param isKilled goes on with what is in the files now, as if the process had died */
  async start(isKilled = false): Promise<void> {
    const before = this.#directory;
    this.#starts += 1;
    const next = join(this.testStore.directory, `disks-${this.#starts}`);
    await this.released();
    if (isKilled) await cp(before, next, { recursive: true });
    await this.close();
    if (!isKilled && before !== '') await cp(before, next, { recursive: true });
    await mkdir(next, { recursive: true });
    this.#directory = next;
    const { store } = this;
    await store.db.transact((tx) => endLeases(tx));
    const frozen = await findFrozenDisks(store.db.read);
    this.#disks = await OpenDisks.open({
      store,
      cache: new ReadCache(),
      directory: next,
      nodeId: testNodeId,
      frozen,
      keepDeletedMs: 0,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.testStore[Symbol.asyncDispose]();
  }
}

async function readWindows(
  device: { readAt(target: Uint8Array, offset: number): Promise<void>; readonly sizeBytes: number },
  { bytes }: Content,
): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for (const [index, { length }] of bytes.entries()) {
    const target = Buffer.alloc(length, 0xee);
    await device.readAt(target, windows[index] ?? 0);
    found.push(target);
  }
  return found;
}

async function check(model: Model, real: Real, behind: string): Promise<void> {
  const { store } = real;
  for (const [diskId, content] of model.disks) {
    const device = await real.use(diskId);
    assert.equal(device.sizeBytes, content.sizeBytes, behind);
    assert.ok(sameBytes(await readWindows(device, content), content.bytes), `disk ${diskId}, behind ${behind}`);
  }
  const rows = await store.db.read.selectFrom('snapshots').select(['id', 'status', 'volume_id']).execute();
  assert.deepEqual(rows.map(({ id }) => id).toSorted(), [...model.snapshots.keys()].toSorted(), behind);
  for (const { id, volume_id: volumeId } of rows) {
    const content = model.snapshots.get(id);
    if (volumeId === null || content === undefined) continue;
    await using device = await openVolume(store, volumeId);
    assert.equal(device.sizeBytes, content.sizeBytes, behind);
    assert.ok(sameBytes(await readWindows(device, content), content.bytes), `snapshot ${id}, behind ${behind}`);
  }
  assert.deepEqual(await Array.fromAsync(checkStore(store)), [], `behind ${behind}`);
  assert.deepEqual(await Array.fromAsync(checkHolders(store.db.read)), [], `behind ${behind}`);
}

function sameBytes(found: readonly Buffer[], wanted: readonly Buffer[]): boolean {
  return (
    found.length === wanted.length && found.every((bytes, index) => bytes.equals(wanted[index] ?? Buffer.alloc(0)))
  );
}

function step(
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  isPossible: (model: Model) => boolean = () => true,
): fc.AsyncCommand<Model, Real> {
  return {
    check: isPossible,
    async run(model, real) {
      await run(model, real);
      await check(model, real, name);
    },
    toString: () => name,
  };
}

function pick<T>(from: ReadonlyMap<string, T>, which: number): [string, T] {
  const found = [...from][which % from.size];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}

const isAnyDisk = ({ disks }: Model): boolean => disks.size > 0;

function blank(sizeBytes: number): Content {
  const there = windows.filter((start) => start + windowBytes <= sizeBytes);
  return { sizeBytes, bytes: there.map(() => Buffer.alloc(windowBytes)) };
}

/** What a content is on a larger disk. */
function grown(content: Content, sizeBytes: number): Content {
  const { bytes } = blank(sizeBytes);
  return { sizeBytes, bytes: bytes.map((zeros, index) => content.bytes[index] ?? zeros) };
}

async function runCreateDisk(real: Real, request: Parameters<typeof createDiskRequest>[0]): Promise<string> {
  const sources = { image: lockImageSource, snapshot: lockSnapshotSource };
  const deps = { db: real.store.db, catalog, sources };
  return (await createDisk(deps, createDiskRequest(request), caller)).resourceId;
}

function snapshotKind({ store, contents, memory }: Real): OperationKind {
  return createSnapshotCreation({ store, contents, memory, onGarbage() {} });
}

/** Runs one operation that waits, as a runner does; says of which snapshot. */
async function runOperation(real: Real, does: 'store' | 'fail'): Promise<string | undefined> {
  const { store } = real;
  const kind = snapshotKind(real);
  const query = { kinds: [createSnapshotKind], except: [], unrenewed: [] };
  const row = await claimNext(store.db, { ...query, ownerId: 'test' });
  if (row === undefined) return undefined;
  const lease = { operationId: row.id, epoch: row.lease_epoch };
  const operation = toInput(row);
  if (does === 'fail') {
    const ending = { kind, error: internal(new Error('wanted')), progress: undefined };
    await store.db.transact((tx) => fail(tx, lease, ending));
    await kind.cleanUp?.(operation);
  } else {
    const { signal } = new AbortController();
    const commit = await kind.run({ operation, lease, signal, timesGivenWay: 0, report() {} });
    await store.db.transact((tx) => finish(tx, lease, { commit, progress: undefined }));
    kind.onDone?.(operation);
  }
  return operation.resourceId;
}

const range = fc.record({
  window: fc.nat(1),
  at: fc.nat(windowBytes / blockBytes - 1),
  blocks: fc.integer({ min: 1, max: 30 }),
  ragged: fc.constantFrom(0, 0, 0, 1, 700),
});

function placed(
  { window, at, blocks, ragged }: { window: number; at: number; blocks: number; ragged: number },
  content: Content,
) {
  const index = window % content.bytes.length;
  const from = at * blockBytes + ragged;
  const length = Math.min(windowBytes - from, Math.max(1, blocks * blockBytes - 2 * ragged));
  return { from, length, offset: (windows[index] ?? 0) + from, bytes: content.bytes[index] ?? Buffer.alloc(0) };
}

const which = fc.nat(20);
const someSize = fc.constantFrom(...sizes);
const commands = [
  someSize.map((sizeBytes) =>
    step(
      `create a blank disk of ${sizeBytes}`,
      async (model, real) => {
        model.disks.set(await runCreateDisk(real, { sizeBytes }), blank(sizeBytes));
      },
      ({ disks }) => disks.size < 4,
    ),
  ),
  fc.tuple(which, range, fc.integer({ min: 1, max: 255 }), fc.boolean()).map(([disk, where, value, durable]) =>
    step(
      `write ${disk} ${JSON.stringify(where)} ${value}`,
      async (model, real) => {
        const [diskId, content] = pick(model.disks, disk);
        const { from, length, offset, bytes } = placed(where, content);
        await (await real.use(diskId)).writeAt(Buffer.alloc(length, value), offset, { durable });
        bytes.fill(value, from, from + length);
      },
      isAnyDisk,
    ),
  ),
  fc.tuple(which, range).map(([disk, where]) =>
    step(
      `zero ${disk} ${JSON.stringify(where)}`,
      async (model, real) => {
        const [diskId, content] = pick(model.disks, disk);
        const { from, length, offset, bytes } = placed(where, content);
        await (await real.use(diskId)).zeroAt(offset, length);
        bytes.fill(0, from, from + length);
      },
      isAnyDisk,
    ),
  ),
  which.map((disk) =>
    step(`flush ${disk}`, async (model, real) => (await real.use(pick(model.disks, disk)[0])).flush(), isAnyDisk),
  ),
  which.map((disk) => step(`give ${disk} back`, (model, real) => real.giveBack(pick(model.disks, disk)[0]), isAnyDisk)),
  which.map((disk) =>
    step(
      `snapshot ${disk}`,
      async (model, real) => {
        const [diskId, content] = pick(model.disks, disk);
        const deps = { db: real.store.db, contents: real.contents, runner: { wake() {} } };
        const request = { folderId, diskId, name: '', description: '', labels: {}, hardwareGeneration: undefined };
        const { resourceId } = await createSnapshot(deps, request, caller);
        model.snapshots.set(resourceId, copyOf(content));
      },
      isAnyDisk,
    ),
  ),
  fc.constant(step('store a snapshot', async (_model, real) => void (await runOperation(real, 'store')))),
  fc.constant(step('store a snapshot', async (_model, real) => void (await runOperation(real, 'store')))),
  fc.constant(
    step('let a snapshot fail', async (model, real) => {
      model.snapshots.delete((await runOperation(real, 'fail')) ?? '');
    }),
  ),
  fc.tuple(which, someSize).map(([snapshot, size]) =>
    step(
      `clone ${snapshot}`,
      async (model, real) => {
        const [id, content] = pick(model.snapshots, snapshot);
        const row = real.store.db.read.selectFrom('snapshots').select('status').where('id', '=', id);
        if ((await row.executeTakeFirst())?.status !== 'READY') return;
        const sizeBytes = Math.max(size, content.sizeBytes);
        const diskId = await runCreateDisk(real, { sizeBytes, source: { kind: 'snapshot', id } });
        model.disks.set(diskId, grown(copyOf(content), sizeBytes));
      },
      ({ disks, snapshots }) => snapshots.size > 0 && disks.size < 4,
    ),
  ),
  which.map((disk) =>
    step(
      `grow ${disk}`,
      async (model, real) => {
        const [diskId, content] = pick(model.disks, disk);
        const sizeBytes = content.sizeBytes < sizes[1] ? sizes[1] : content.sizeBytes + 4 * mib;
        const placementPolicy = { groupId: '', partition: 0 };
        const request = { diskId, paths: ['size'], name: '', description: '', labels: {}, sizeBytes, placementPolicy };
        await updateDisk(real.store, request, caller);
        // Whoever has it open sees its new size when it is opened again.
        await real.giveBack(diskId);
        model.disks.set(diskId, grown(content, sizeBytes));
      },
      isAnyDisk,
    ),
  ),
  which.map((disk) =>
    step(
      `delete disk ${disk}`,
      async (model, real) => {
        const [diskId] = pick(model.disks, disk);
        await real.giveBack(diskId);
        model.disks.delete(diskId);
        await deleteDisk({ db: real.store.db, users: noDiskUsers, contents: real.contents }, { diskId }, caller);
      },
      isAnyDisk,
    ),
  ),
  which.map((snapshot) =>
    step(
      `delete snapshot ${snapshot}`,
      async (model, real) => {
        const [snapshotId] = pick(model.snapshots, snapshot);
        const kind = snapshotKind(real);
        const cancelled: string[] = [];
        const runner = { abort: (operationId: string) => void cancelled.push(operationId) };
        await deleteSnapshot({ db: real.store.db, kinds: kindsByName([kind]), runner }, { snapshotId }, caller);
        model.snapshots.delete(snapshotId);
        for (const id of cancelled) {
          const row = await findRow(real.store.db.read, id);
          if (row !== undefined) await kind.cleanUp?.(toInput(row));
        }
      },
      ({ snapshots }) => snapshots.size > 0,
    ),
  ),
  fc.constant(step('collect', async (_model, real) => void (await collectGarbage(real.store, { delayMs: -1 })))),
  fc.constant(step('restart', (_model, real) => real.start())),
  fc.constant(step('kill', (_model, real) => real.start(true))),
];

test('disks and snapshots keep every byte, whatever is done around them', { timeout: 120_000 }, async (t) => {
  const enough = performance.now() + exploreMs;
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (sequence) => {
      if (performance.now() > enough) return; // what was begun is ended, and nothing more is begun
      await using real = new Real(await openTestStore());
      await insertFolder(real.store.db);
      await real.start();
      const model: Model = { disks: new Map(), snapshots: new Map() };
      await fc.asyncModelRun(() => ({ model, real }), sequence);
      steps += 1;
    }),
    { numRuns: 40, seed },
  );
  t.diagnostic(`${steps} sequences`);
});
