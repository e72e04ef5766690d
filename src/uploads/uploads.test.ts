import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { openTestSqlite } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { folderId, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import {
  eachUploadPlace,
  openFiles,
  openPieces,
  type UploadPlace,
  type UploadPlaces,
} from '../../test/fixtures/upload-place.ts';
import { BytesLost } from '../sources/bytes-lost.ts';
import { type AppendToUpload, appendToUpload } from './append-to-upload.ts';
import { createUpload } from './create-upload.ts';
import { deleteUpload } from './delete-upload.ts';
import { getUpload } from './get-upload.ts';
import { listUploads } from './list-uploads.ts';
import { type OpenUploads, openUploads } from './open-uploads.ts';
import { settleUpload } from './settle-upload.ts';
import { sweepUploads } from './sweep-uploads.ts';
import type { Upload } from './upload.ts';
import type { UploadLimits, Uploads } from './uploads.ts';
import { consumeUpload, findUploadedFile, releaseUpload, useUpload } from './use-upload.ts';

const [kib, mib] = [1024, 1024 * 1024];
const me = 'ajeme000000000000000';
const file = noise(3 * mib + 5, 1);

/** Time as the test wants it. */
interface Clock {
  now: number;
}

interface Fixture {
  readonly uploads: OpenUploads;
  readonly clock: Clock;
  readonly place: UploadPlace;
}

async function open(
  t: TestContext,
  { openDb, openPlace }: UploadPlaces,
  limits: Partial<UploadLimits> = {},
): Promise<Fixture> {
  const opened = new AsyncDisposableStack();
  // Before the database is opened: what is to be done after a test is done in this order, and sweeps need the database.
  t.after(() => opened.disposeAsync());
  const db = await openImageDatabase(t, openDb);
  const place = opened.use(await openPlace());
  const clock = { now: Date.UTC(2026, 0, 1) };
  const onError = (error: unknown) => assert.fail(String(error));
  const uploads = opened.use(await openUploads({ db, ...place, onError, now: () => clock.now, limits }));
  return { uploads, clock, place };
}

function begin(uploads: Uploads, lengthBytes = file.length, subjectId = me): Promise<Upload> {
  return createUpload(uploads, { folderId, lengthBytes, metadata: '' }, subjectId);
}

function append(uploads: Uploads, { id }: Upload, offsetBytes: number, part: Partial<AppendToUpload>): Promise<Upload> {
  const body = Readable.from([]);
  const request = { uploadId: id, offsetBytes, body, bodyLength: undefined, checksum: undefined };
  return appendToUpload(uploads, { ...request, signal: new AbortController().signal, ...part }, me);
}

/** Pieces as a network gives them. */
function bodyOf(bytes: Uint8Array, pieceBytes = 64 * kib): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    })(),
    { objectMode: false },
  );
}

/** A body that is there up to a point, and then says nothing more. */
function stalledBody(bytes: Uint8Array): PassThrough {
  const body = new PassThrough({ highWaterMark: 16 * mib });
  body.write(bytes);
  return body;
}

async function whole(uploads: Uploads): Promise<Upload> {
  return append(uploads, await begin(uploads), 0, { body: bodyOf(file) });
}

async function bytesOf({ bytes }: Uploads, upload: Upload): Promise<Buffer> {
  await using source = await bytes.open(upload);
  return Buffer.from(await source.read(0, source.sizeBytes));
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(5);
}

const use = (
  uploads: Uploads,
  uploadId: string,
  operationId: string,
  change: { folderId?: string; subject?: string } = {},
) =>
  uploads.db.transact((tx) =>
    useUpload(tx, { uploadId, operationId, folderId: change.folderId ?? folderId, subjectId: change.subject ?? me }),
  );

eachUploadPlace((places) => {
  test('takes a file in parts, in order, and says how far it is', async (t) => {
    const { uploads, clock } = await open(t, places);
    const begun = await begin(uploads);
    assert.match(begun.id, /^upl[a-z0-9]{17}$/);
    assert.deepEqual([begun.durableBytes, begun.expiresAt], [0, new Date(clock.now + 86_400_000)]);
    clock.now += 3_600_000;
    const half = await append(uploads, begun, 0, { body: bodyOf(file.subarray(0, 2 * mib)), bodyLength: 2 * mib });
    assert.deepEqual([half.durableBytes, half.expiresAt], [2 * mib, new Date(clock.now + 86_400_000)]);
    assert.deepEqual(await getUpload(uploads, { uploadId: begun.id }, me), half);
    const done = await append(uploads, begun, 2 * mib, { body: bodyOf(file.subarray(2 * mib)) });
    assert.equal(done.durableBytes, file.length);
    assert.ok(file.equals(await bytesOf(uploads, done)));
    assert.deepEqual(await listUploads(uploads, { folderId }, me), [done]);
    assert.deepEqual(await append(uploads, begun, file.length, {}), done); // nothing more is no mistake
  });

  test('shows an upload to nobody else, and knows no other ids', async (t) => {
    const { uploads } = await open(t, places);
    const upload = await begin(uploads);
    const tricks = ['', '..', '../metadata.db', `${upload.id}/`, upload.id.toUpperCase(), `${upload.id}\0`, 'upl'];
    for (const uploadId of [...tricks, 'upl00000000000000000']) {
      for (const verb of [getUpload, settleUpload, deleteUpload]) {
        await assert.rejects(verb(uploads, { uploadId }, me), { code: 'NOT_FOUND' }, uploadId);
      }
      await assert.rejects(append(uploads, { ...upload, id: uploadId }, 0, {}), { code: 'NOT_FOUND' });
    }
    for (const verb of [getUpload, settleUpload, deleteUpload]) {
      await assert.rejects(verb(uploads, { uploadId: upload.id }, 'ajeother'), { code: 'NOT_FOUND' });
    }
    assert.deepEqual(await listUploads(uploads, { folderId }, 'ajeother'), []);
  });

  test('refuses what does not follow what it has, and what is more than was declared', async (t) => {
    const { uploads } = await open(t, places);
    const upload = await begin(uploads, 100 * kib);
    await append(uploads, upload, 0, { body: bodyOf(file.subarray(0, 10)) });
    const message = `Upload "${upload.id}" goes on at 10, not at 11`;
    await assert.rejects(append(uploads, upload, 11, {}), {
      code: 'ABORTED',
      reason: 'UPLOAD_OFFSET_MISMATCH',
      message,
    });
    const tooLong = { code: 'INVALID_ARGUMENT', reason: 'UPLOAD_TOO_LONG' };
    await assert.rejects(append(uploads, upload, 10, { bodyLength: 100 * kib }), tooLong);
    await assert.rejects(append(uploads, upload, 10, { body: bodyOf(file.subarray(0, 100 * kib), kib) }), tooLong);
    assert.ok((await getUpload(uploads, { uploadId: upload.id }, me)).durableBytes < 100 * kib);
  });

  test('keeps what came of a body that broke off, and goes on there', async (t) => {
    const { uploads } = await open(t, places);
    const upload = await begin(uploads);
    const body = stalledBody(file.subarray(0, mib + 7));
    const broken = assert.rejects(append(uploads, upload, 0, { body }), { name: 'BodyBroken' });
    await until(async () => body.readableLength === 0);
    body.destroy();
    await broken;
    const { durableBytes } = await getUpload(uploads, { uploadId: upload.id }, me);
    assert.equal(durableBytes, mib + 7);
    const done = await append(uploads, upload, durableBytes, { body: bodyOf(file.subarray(durableBytes)) });
    assert.ok(file.equals(await bytesOf(uploads, done)));
  });

  test('makes bytes durable while more are on their way', async (t) => {
    const { uploads } = await open(t, places, { syncBytes: mib });
    const upload = await begin(uploads);
    const body = stalledBody(file.subarray(0, 2 * mib));
    const appending = append(uploads, upload, 0, { body });
    await until(async () => (await getUpload(uploads, { uploadId: upload.id }, me)).durableBytes >= mib);
    body.end(file.subarray(2 * mib));
    const done = await appending;
    assert.equal(done.durableBytes, file.length);
    assert.ok(file.equals(await bytesOf(uploads, done)));
  });

  test('lets the next request have the upload, and tells the one before', async (t) => {
    const { uploads } = await open(t, places);
    const upload = await begin(uploads);
    const body = stalledBody(file.subarray(0, mib));
    const first = assert.rejects(append(uploads, upload, 0, { body }), {
      code: 'ABORTED',
      reason: 'UPLOAD_TAKEN_OVER',
    });
    await until(async () => body.readableLength === 0);
    const settled = await settleUpload(uploads, { uploadId: upload.id }, me);
    assert.equal(settled.durableBytes, mib);
    await first;
    const many = Array.from({ length: 5 }, () => settleUpload(uploads, { uploadId: upload.id }, me));
    for (const { durableBytes } of await Promise.all(many)) assert.equal(durableBytes, mib);
    assert.equal(body.destroyed, false, 'the request can still be answered');
  });

  test('keeps nothing of a body that its checksum does not fit', async (t) => {
    const { uploads } = await open(t, places);
    const upload = await begin(uploads);
    const checksum = { algorithm: 'sha256', value: sha256(file) } as const;
    const wrong = bodyOf(Buffer.concat([file.subarray(0, -1), Buffer.of(1)]));
    const mismatch = { code: 'INVALID_ARGUMENT', reason: 'CHECKSUM_MISMATCH' };
    await assert.rejects(append(uploads, upload, 0, { body: wrong, checksum }), mismatch);
    assert.equal((await getUpload(uploads, { uploadId: upload.id }, me)).durableBytes, 0);
    const body = stalledBody(file.subarray(0, mib));
    const broken = assert.rejects(append(uploads, upload, 0, { body, checksum }), { name: 'BodyBroken' });
    await until(async () => body.readableLength === 0);
    body.destroy();
    await broken;
    assert.equal((await getUpload(uploads, { uploadId: upload.id }, me)).durableBytes, 0);
    const done = await append(uploads, upload, 0, { body: bodyOf(file), checksum });
    assert.ok(file.equals(await bytesOf(uploads, done)));
  });

  test('ends what runs when the service stops, and keeps what came', async (t) => {
    const { uploads } = await open(t, places);
    const upload = await begin(uploads);
    const body = stalledBody(file.subarray(0, mib));
    const stopped = assert.rejects(append(uploads, upload, 0, { body }), { code: 'UNAVAILABLE' });
    await until(async () => body.readableLength === 0);
    await uploads[Symbol.asyncDispose]();
    await stopped;
    assert.equal((await getUpload(uploads, { uploadId: upload.id }, me)).durableBytes, mib);
    await assert.rejects(append(uploads, upload, mib, {}), { code: 'UNAVAILABLE' });
  });

  test('keeps to its limits', async (t) => {
    const { uploads } = await open(t, places, { maxUploads: 2, maxLengthBytes: 100 * mib, maxMetadataLength: 8 });
    await assert.rejects(begin(uploads, 0), { code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
    await assert.rejects(begin(uploads, 100 * mib + 1), { code: 'INVALID_ARGUMENT', reason: 'UPLOAD_TOO_LONG' });
    const request = { folderId, lengthBytes: 1, metadata: '' };
    await assert.rejects(createUpload(uploads, { ...request, folderId: 'b1gnone' }, me), { code: 'NOT_FOUND' });
    await assert.rejects(createUpload(uploads, { ...request, metadata: 'a'.repeat(9) }, me), {
      code: 'INVALID_ARGUMENT',
    });
    const { minFreeBytes } = uploads.limits;
    const bytes = { ...uploads.bytes, freeBytes: async () => minFreeBytes + 10 * mib };
    const small: Uploads = { ...uploads, bytes };
    const first = await begin(small, 6 * mib);
    const full = { code: 'RESOURCE_EXHAUSTED', reason: 'STORAGE_FULL' };
    await assert.rejects(begin(small, 6 * mib), full, 'the first has its room set aside');
    await append(small, first, 0, { body: bodyOf(file) });
    await begin(small, 6 * mib); // what has arrived is in what is free already
    await assert.rejects(begin(small, 1), { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_UPLOADS' });
    await begin(small, 1, 'ajeother');
    const few: Uploads = { ...uploads, limits: { ...uploads.limits, maxTotalBytes: 12 * mib + 2 } };
    await begin(few, 1, 'ajethird');
    const message =
      'There is no room for a file of 1 bytes: all uploads together may have 12582914, and 12582914 of them are spoken for. Make images of some, or delete them.';
    await assert.rejects(begin(few, 1, 'ajethird'), { ...full, message }, 'what has arrived counts, too');
  });

  test('removes what has expired, and bytes without a row, but nothing in use', async (t) => {
    const { uploads, clock, place } = await open(t, places);
    const [left, used] = [await begin(uploads), await whole(uploads)];
    await append(uploads, left, 0, { body: bodyOf(file.subarray(0, 5)) });
    await use(uploads, used.id, 'operation');
    await place.leave('upl00000000000000000');
    clock.now += uploads.limits.keepMs / 2; // strays are not looked for with each sweep
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), [left.id, used.id].toSorted());
    clock.now += uploads.limits.keepMs / 2;
    await assert.rejects(getUpload(uploads, { uploadId: left.id }, me), { code: 'NOT_FOUND' });
    assert.deepEqual(
      (await listUploads(uploads, { folderId }, me)).map(({ id }) => id),
      [used.id],
    );
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), [used.id]);
  });

  test('gives a whole upload to one operation at a time', async (t) => {
    const { uploads, clock, place } = await open(t, places);
    const part = await begin(uploads);
    await append(uploads, part, 0, { body: bodyOf(file.subarray(0, 5)) });
    const incomplete = `Upload "${part.id}" is not complete: 5 of ${file.length} bytes are there. Send the rest first.`;
    const refusal = { code: 'FAILED_PRECONDITION' };
    await assert.rejects(use(uploads, part.id, 'a'), { ...refusal, message: incomplete });
    assert.equal(await findUploadedFile(uploads, part.id), undefined);

    const { id } = await whole(uploads);
    await assert.rejects(use(uploads, id, 'a', { subject: 'ajeother' }), { ...refusal, reason: 'SOURCE_NOT_FOUND' });
    await assert.rejects(use(uploads, 'uplnone', 'a'), { ...refusal, reason: 'SOURCE_NOT_FOUND' });
    await assert.rejects(use(uploads, id, 'a', { folderId: 'b1gx' }), {
      ...refusal,
      reason: 'UPLOAD_IN_ANOTHER_FOLDER',
    });
    await use(uploads, id, 'first');
    assert.equal((await getUpload(uploads, { uploadId: id }, me)).operationId, 'first');
    await assert.rejects(use(uploads, id, 'second'), { ...refusal, reason: 'UPLOAD_IN_USE' });
    await assert.rejects(deleteUpload(uploads, { uploadId: id }, me), { ...refusal, reason: 'UPLOAD_IN_USE' });

    clock.now += 2 * uploads.limits.keepMs;
    await uploads.db.transact((tx) => releaseUpload(uploads, tx, 'first'));
    await sweepUploads(uploads);
    const found = await findUploadedFile(uploads, id);
    assert.deepEqual([found?.fileName, found?.sizeBytes], ['', file.length]);
    await using source = await found?.open();
    assert.ok(file.subarray(7, 700_000).equals((await source?.read(7, 700_000 - 7)) ?? Buffer.of()));
    await use(uploads, id, 'second');
    await uploads.db.transact((tx) => consumeUpload(uploads, tx, 'first')); // not its own any more
    await uploads.db.transact((tx) => consumeUpload(uploads, tx, 'second'));
    await assert.rejects(getUpload(uploads, { uploadId: id }, me), { code: 'NOT_FOUND' });
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), []);
  });

  test('deletes an upload under the hands of the request that sends it', async (t) => {
    const { uploads, place } = await open(t, places);
    const upload = await begin(uploads);
    const body = stalledBody(file.subarray(0, mib));
    const ended = assert.rejects(append(uploads, upload, 0, { body }), { reason: 'UPLOAD_TAKEN_OVER' });
    await until(async () => body.readableLength === 0);
    await deleteUpload(uploads, { uploadId: upload.id }, me);
    await ended;
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), []);
    await assert.rejects(append(uploads, upload, 0, {}), { code: 'NOT_FOUND' });
  });

  test('says so when acknowledged bytes are gone, at the latest when they are read', async (t) => {
    const { uploads, place } = await open(t, places);
    const { id, ...upload } = await append(uploads, await begin(uploads), 0, { body: bodyOf(file.subarray(0, mib)) });
    for (const damage of [place.cut, place.remove]) {
      await damage(id);
      const more = { body: bodyOf(file.subarray(mib)) };
      await assert.rejects(append(uploads, { ...upload, id }, mib, more), { code: 'DATA_LOSS' });
      await assert.rejects(bytesOf(uploads, { ...upload, id }), BytesLost);
    }
  });
});

test('leaves what others have in the folder of the files', async (t) => {
  const { uploads, place } = await open(t, { openDb: openTestSqlite, openPlace: openFiles });
  await writeFile(join(place.directory, 'README'), 'of the administrator');
  await sweepUploads(uploads);
  assert.deepEqual(await readdir(place.directory), ['README']);
});

for (const openPlace of [openFiles, openPieces])
  test(`however a file is cut and however its bodies break, what is put together is the file: ${openPlace.name}`, async (t) => {
    const { uploads } = await open(t, { openDb: openTestSqlite, openPlace }, { syncBytes: 64 * kib });
    const part = fc.record({
      length: fc.integer({ min: 1, max: 700 * kib }),
      pieceBytes: fc.integer({ min: 1000, max: 100_000 }),
      breaks: fc.boolean(),
      checked: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: mib }), fc.array(part, { maxLength: 6 }), async (length, parts) => {
        const content = file.subarray(0, length);
        const upload = await begin(uploads, length);
        let offset = 0;
        for (const { length: partLength, pieceBytes, breaks, checked } of parts) {
          const bytes = content.subarray(offset, offset + partLength);
          const body = breaks ? stalledBody(bytes) : bodyOf(bytes, pieceBytes);
          const checksum = checked ? ({ algorithm: 'sha256', value: sha256(bytes) } as const) : undefined;
          const appending = append(uploads, upload, offset, { body, checksum });
          if (breaks) {
            const broken = assert.rejects(appending, { name: 'BodyBroken' });
            await until(async () => body.readableLength === 0);
            body.destroy();
            await broken;
          } else {
            await appending;
          }
          const { durableBytes } = await settleUpload(uploads, { uploadId: upload.id }, me);
          const kept = !(breaks && checked);
          assert.equal(durableBytes, kept ? offset + bytes.length : offset);
          offset = durableBytes;
        }
        const done = await append(uploads, upload, offset, { body: bodyOf(content.subarray(offset)) });
        assert.ok(content.equals(await bytesOf(uploads, done)));
        await deleteUpload(uploads, { uploadId: upload.id }, me);
      }),
      { numRuns: 30 },
    );
  });
