import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import { createMemoryBlobs } from '../../src/blobs/memory.ts';
import type { Database } from '../../src/db/database.ts';
import { deleteUpload } from '../../src/uploads/delete-upload.ts';
import { type OpenUploads, openUploads } from '../../src/uploads/open-uploads.ts';
import { sweepUploads } from '../../src/uploads/sweep-uploads.ts';
import { eachDatabase, type TestDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { insertFolder } from '../fixtures/image-fixture.ts';
import { beginUploadOf, bodyOf, readUpload, sender, sendPart } from '../fixtures/sent-uploads.ts';

/**
 * Uploads in pieces against the plain file: two processes take parts of it, one after the other or at once, in any sizes,
 * with checksums that are right or wrong, and die at any of their calls to the store or the database, before it or after. What
 * was acknowledged is always there, what is there is the file's beginning, and in the end nothing else is left.
 */

/** A busy machine explores less in place of taking longer. */
const exploreMs = 15_000;

const kib = 1024;
const file = noise(18 * kib * kib, 11);

class Killed extends Error {}

/** A process that can be killed: from then on none of its calls comes through. */
class Process implements AsyncDisposable {
  /** Calls that still come through. */
  #callsLeft = Number.POSITIVE_INFINITY;
  #uploads: OpenUploads | undefined;
  readonly #opened = new AsyncDisposableStack();

  get uploads(): OpenUploads {
    if (this.#uploads === undefined) throw new Error('not open');
    return this.#uploads;
  }

  static async start(database: TestDatabase, blobs: BlobStore): Promise<Process> {
    const process = new Process();
    const db = process.#opened.use(await database.open());
    const onError = () => {};
    const options = { db: process.#mortalDatabase(db), blobs: process.#mortalBlobs(blobs), directory: '', onError };
    process.#uploads = process.#opened.use(await openUploads(options));
    return process;
  }

  /** Lets so many calls through, and the last of them is not answered. */
  dieAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  get isDead(): boolean {
    return this.#callsLeft <= 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    if (this.isDead) throw new Killed();
    this.#callsLeft -= 1;
    const answer = await call();
    if (this.isDead) throw new Killed();
    return answer;
  }

  #mortalDatabase(db: Database): Database {
    return { ...db, transact: (work) => this.#call(() => db.transact(work)) };
  }

  #mortalBlobs(blobs: BlobStore): BlobStore {
    return {
      ...blobs,
      read: (...request) => this.#call(() => blobs.read(...request)),
      delete: (name) => this.#call(() => blobs.delete(name)),
      create: (name) =>
        this.#call(async () => {
          const writer = await blobs.create(name);
          return {
            get sizeBytes() {
              return writer.sizeBytes;
            },
            append: (pieces) => this.#call(() => writer.append(pieces)),
            seal: () => this.#call(() => writer.seal()),
            [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
          };
        }),
    };
  }
}

type Part = { readonly length: number; readonly checksum: 'none' | 'right' | 'wrong' };

type Step =
  | { readonly kind: 'send'; readonly by: number; readonly part: Part }
  | { readonly kind: 'both'; readonly parts: readonly [Part, Part] }
  | { readonly kind: 'mortal'; readonly by: number; readonly calls: number }
  | { readonly kind: 'sweep'; readonly by: number };

const length = fc.oneof(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: 300 * kib }),
  fc.integer({ min: 1, max: 12 * kib * kib }),
);
const part = fc.record({ length, checksum: fc.constantFrom('none', 'none', 'right', 'wrong') });
const by = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send'), by, part }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('both'), parts: fc.tuple(part, part) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('mortal'), by, calls: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep'), by }) },
);

/** Where the upload stands for who sent a part; undefined when he was told nothing good. */
async function send(
  uploads: OpenUploads,
  id: string,
  at: number,
  { length, checksum }: Part,
): Promise<number | undefined> {
  const bytes = file.subarray(at, at + length);
  const value = createHash('sha256').update(bytes).digest();
  if (checksum === 'wrong') value.fill(0);
  const checked = checksum === 'none' ? {} : { checksum: { algorithm: 'sha256', value } as const };
  try {
    return (await sendPart(uploads, id, at, bytes, { ...checked, body: bodyOf(bytes, 100_000) })).durableBytes;
  } catch {
    return undefined;
  }
}

async function follow(database: TestDatabase, blobs: BlobStore, steps: readonly Step[]): Promise<void> {
  await using observer = await Process.start(database, blobs);
  await using first = new AsyncDisposableStack();
  const start = async () => first.use(await Process.start(database, blobs));
  const processes = [await start(), await start()];
  const ofNumber = (number: number): Process => processes[number] ?? observer;
  const { id } = await beginUploadOf(observer.uploads, file.length);
  let acknowledged = 0;
  /** What holds behind every step; returns where the upload stands. */
  const check = async (): Promise<number> => {
    const { upload, bytes } = await readUpload(observer.uploads, id);
    assert.ok(upload.durableBytes >= acknowledged, `${upload.durableBytes} of ${acknowledged} are there`);
    assert.ok(file.subarray(0, upload.durableBytes).equals(bytes), `other bytes in ${upload.durableBytes}`);
    return upload.durableBytes;
  };
  for (const each of steps) {
    const at = await check();
    acknowledged = at;
    if (each.kind === 'mortal') ofNumber(each.by).dieAfter(each.calls);
    if (each.kind === 'sweep') await sweepUploads(ofNumber(each.by).uploads).catch(() => {});
    if (each.kind === 'send') {
      const durable = await send(ofNumber(each.by).uploads, id, at, each.part);
      if (durable !== undefined) acknowledged = durable;
      if (each.part.checksum === 'wrong' && each.part.length > 0 && at < file.length) assert.equal(durable, undefined);
    }
    if (each.kind === 'both') {
      const told = await Promise.all(each.parts.map((part, number) => send(ofNumber(number).uploads, id, at, part)));
      acknowledged = Math.max(acknowledged, ...told.map((durable) => durable ?? 0));
    }
    for (const [number, process] of processes.entries()) if (process.isDead) processes[number] = await start();
  }
  const at = await check();
  if (at < file.length) await sendPart(observer.uploads, id, at, file.subarray(at));
  assert.equal(await check(), file.length);
  // A process that begins looks for strays.
  await sweepUploads((await start()).uploads);
  const { db } = observer.uploads;
  const rows = await db.read.selectFrom('upload_pieces').selectAll().execute();
  const names = await Array.fromAsync(blobs.list(), ({ name }) => name);
  assert.deepEqual(names.toSorted(), rows.map(({ blob_name }) => blob_name).toSorted());
  assert.equal(
    rows.reduce((sum, { size }) => sum + size, 0),
    file.length,
    'every byte is in one piece',
  );
  await deleteUpload(observer.uploads, { uploadId: id }, sender);
  await sweepUploads(observer.uploads);
  assert.deepEqual(await Array.fromAsync(blobs.list()), []);
}

eachDatabase(({ create }) => {
  test('whatever becomes of the processes that take it, an upload is the file that was sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        await using database = await create();
        await using blobs = createMemoryBlobs();
        {
          await using db = await database.open();
          await insertFolder(db);
        }
        await follow(database, blobs, steps);
      }),
      { numRuns: 40, interruptAfterTimeLimit: exploreMs, markInterruptAsFailure: false },
    );
  });
});
