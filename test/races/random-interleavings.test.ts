import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../src/db/database.ts';
import { ServiceError } from '../../src/errors.ts';
import { checkStore } from '../../src/volumes/check-store.ts';
import { createStoreThreads } from '../../src/volumes/store.ts';
import { openVolume } from '../../src/volumes/stored-device.ts';
import { createRandom, type Random } from '../crash/random.ts';
import { sharePostgres } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { insertFolder } from '../fixtures/image-fixture.ts';
import { ImageProcess } from '../fixtures/image-process.ts';
import { postgresMissing } from '../fixtures/postgres.ts';

/**
 * Three processes on one PostgreSQL database and one directory of blobs, and four clients who at random import, copy,
 * delete, cancel, collect, sweep, compact, and have processes stall. However that interleaves: every image that is READY
 * at the end reads back to its bytes, no operation fails that nobody cancelled, and once all images are deleted nothing
 * is left.
 */

const postgres = sharePostgres();

const processes = 3;
const clients = 4;
/** Of each client. OBRAZ_TEST_STEPS=2000 is a long run. */
const steps = Number(process.env.OBRAZ_TEST_STEPS ?? 60);

const pieceBytes = 128 * 1024;
const pieces = Array.from({ length: 5 }, (_, number) =>
  number === 0 ? Buffer.alloc(pieceBytes) : noise(pieceBytes, number),
);

/** A guest by its name, `1-4-0-2`: the pieces it is made of, so that guests share most of their chunks. */
function guest(name: string): Buffer {
  return Buffer.concat(name.split('-').map((number) => pieces[Number(number)] ?? Buffer.alloc(0)));
}

/** Mostly one of a few, so that the same volume comes and goes again and again. */
function someGuest(random: Random): string {
  if (random.chance(0.7)) return random.pick(['1', '2-1', '1-2-3', '3-3', '4-0-1']);
  return Array.from({ length: 1 + random.below(4) }, () => random.below(pieces.length)).join('-');
}

/** What the clients know: the guest of every image there was, and the operations that were not asked to end early. */
class Known {
  readonly guests = new Map<string, string>();
  readonly deleted = new Set<string>();
  readonly operations = new Map<string, string>();
  readonly cancelled = new Set<string>();
}

const weighted = [
  ...Array<'import'>(6).fill('import'),
  ...Array<'copy'>(4).fill('copy'),
  ...Array<'delete'>(6).fill('delete'),
  ...Array<'collect'>(5).fill('collect'),
  ...Array<'stall'>(2).fill('stall'),
  'cancel',
  'sweep',
  'compact',
] as const;

async function step(known: Known, at: ImageProcess, random: Random): Promise<void> {
  const images = [...known.guests.keys()];
  const operations = [...known.operations.keys()];
  const action = random.pick(weighted);
  switch (action) {
    case 'import': {
      const name = someGuest(random);
      const { id, resourceId } = await at.import(name);
      known.guests.set(resourceId, name);
      known.operations.set(id, resourceId);
      return;
    }
    case 'copy': {
      if (images.length === 0) return;
      const sourceId = random.pick(images);
      const { resourceId } = await at.copy(sourceId);
      known.guests.set(resourceId, known.guests.get(sourceId) ?? '');
      return;
    }
    case 'delete': {
      if (images.length === 0) return;
      const imageId = random.pick(images);
      await at.delete(imageId);
      known.deleted.add(imageId);
      return;
    }
    case 'cancel':
    case 'stall': {
      if (operations.length === 0) return;
      const operationId = random.pick(operations.slice(-4));
      if (action === 'cancel') known.cancelled.add(operationId);
      await at[action](operationId);
      return;
    }
    default:
      await at[action]();
  }
}

/** What a client may be told when another one was quicker. */
function isExpected(error: unknown): boolean {
  const reasons = ['RESOURCE_NOT_FOUND', 'SOURCE_NOT_FOUND', 'SOURCE_NOT_READY'];
  return error instanceof ServiceError && reasons.includes(error.reason);
}

async function untilIdle({ read }: Database): Promise<void> {
  for (;;) {
    const open = await read.selectFrom('operations').select('id').where('state', '<>', 'done').execute();
    if (open.length === 0) return;
    await delay(10);
  }
}

test('whatever interleaves, no image loses a byte and nothing is left behind', { skip: postgresMissing }, async (t) => {
  const seed = Number(process.env.OBRAZ_TEST_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const random = createRandom(seed);
  await using opening = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'obraz-random-'));
  opening.defer(() => rm(directory, { recursive: true, force: true }));
  const database = await postgres.create();
  const threads = opening.use(createStoreThreads(2));
  const all: ImageProcess[] = [];
  for (let number = 0; number < processes; number += 1) {
    const db = await database.open();
    if (number === 0) await insertFolder(db);
    const linger = () => (random.chance(0.2) ? random.below(12) : 0);
    all.push(
      opening.use(
        await ImageProcess.start({ name: `process ${number}`, db, blobsDirectory: directory, threads, guest, linger }),
      ),
    );
  }
  const [first] = all;
  assert.ok(first !== undefined);
  const { db } = first.store;

  const known = new Known();
  const told: unknown[] = [];
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let done = 0; done < steps; done += 1) {
        await step(known, random.pick(all), random).catch((error: unknown) => told.push(error));
      }
    }),
  );
  await untilIdle(db);
  assert.deepEqual(
    told.filter((error) => !isExpected(error)),
    [],
    `seed ${seed}`,
  );

  for (const { id, error, kind } of await db.read.selectFrom('operations').selectAll().execute()) {
    const mayEnd = known.cancelled.has(id) || known.deleted.has(known.operations.get(id) ?? '');
    assert.ok(error === null || (mayEnd && error.includes('CANCELLED')), `seed ${seed}: ${kind} ${id}: ${error}`);
  }
  await first.collect();
  await first.sweep();
  assert.deepEqual(await Array.fromAsync(checkStore(first.store)), [], `seed ${seed}: fsck`);
  const images = await db.read.selectFrom('images').selectAll().execute();
  for (const { id, status, volume_id } of images) {
    assert.equal(status, 'READY');
    await using device = await openVolume(first.store, volume_id ?? '');
    const bytes = Buffer.alloc(device.sizeBytes);
    await device.readAt(bytes, 0);
    assert.ok(bytes.equals(guest(known.guests.get(id) ?? '')), `seed ${seed}: image ${id} has other bytes`);
  }
  const packs = await db.read.selectFrom('packs').select('id').orderBy('id').execute();
  const blobs = await Array.fromAsync(first.store.blobs.list());
  assert.deepEqual(
    blobs.map(({ name }) => name).sort(),
    packs.map(({ id }) => id),
  );

  for (const { id } of images) await first.delete(id);
  await first.collect();
  const tables = [
    'packs',
    'chunks',
    'pack_pins',
    'segment_packs',
    'manifest_edges',
    'import_segments',
    'volumes',
    'volume_references',
  ] as const;
  for (const table of tables) {
    assert.deepEqual(await db.read.selectFrom(table).selectAll().execute(), [], `seed ${seed}: ${table}`);
  }
  assert.deepEqual(await Array.fromAsync(first.store.blobs.list()), []);
  assert.deepEqual(await Array.fromAsync(first.store.blobs.listUnsealed()), []);
  const asked = all.reduce((sum, { transactions }) => sum + transactions.asked, 0);
  const runs = all.reduce((sum, { transactions }) => sum + transactions.runs, 0);
  t.diagnostic(`${images.length} images left of ${known.guests.size}; ${asked} transactions, run ${runs} times`);
});
