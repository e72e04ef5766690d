import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { type CreateTestDatabase, eachDatabase } from '../../../test/fixtures/databases.ts';
import { noise } from '../../../test/fixtures/guest.ts';
import { insertFolder } from '../../../test/fixtures/image-fixture.ts';
import { beginUploadOf, readUpload, sender, sendPart } from '../../../test/fixtures/sent-uploads.ts';
import { BlobFailed } from '../../blobs/blob-failed.ts';
import type { BlobStore } from '../../blobs/blob-store.ts';
import { createMemoryBlobs } from '../../blobs/memory.ts';
import type { Database } from '../../db/database.ts';
import { deleteUpload } from '../delete-upload.ts';
import { getUpload } from '../get-upload.ts';
import { type OpenUploads, openUploads } from '../open-uploads.ts';
import { settleUpload } from '../settle-upload.ts';
import { sweepUploads } from '../sweep-uploads.ts';
import type { UploadLimits } from '../uploads.ts';
import { newPieceName, slotBytes, unitBytes } from './piece.ts';

const [kib, mib] = [1024, 1024 * 1024];
const file = noise(20 * mib + 5, 3);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const takenOver = { code: 'ABORTED', reason: 'UPLOAD_TAKEN_OVER' };

/** Several processes on one database and one store; every one has the store as it says. */
interface Site {
  readonly blobs: BlobStore;
  readonly clock: { now: number };
  open(change?: {
    blobs?: BlobStore;
    db?: (db: Database) => Database;
    limits?: Partial<UploadLimits>;
  }): Promise<OpenUploads>;
  blobNames(): Promise<string[]>;
}

async function openSite(t: TestContext, createDb: CreateTestDatabase): Promise<Site> {
  const opened = new AsyncDisposableStack();
  t.after(() => opened.disposeAsync());
  const created = opened.use(await createDb());
  const first = opened.use(await created.open());
  await insertFolder(first);
  const blobs = opened.use(createMemoryBlobs());
  const clock = { now: Date.UTC(2026, 0, 1) };
  const onError = (error: unknown) => assert.fail(String(error));
  return {
    blobs,
    clock,
    async open({ blobs: changed = blobs, db = (same: Database) => same, limits = {} } = {}) {
      const own = db(opened.use(await created.open()));
      const options = { db: own, directory: '', blobs: changed, onError, now: () => clock.now, limits };
      return opened.use(await openUploads(options));
    },
    blobNames: async () => (await Array.fromAsync(blobs.list(), ({ name }) => name)).toSorted(),
  };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

eachDatabase(({ create: createDb }) => {
  test('any process goes on with an upload, reads it and deletes it', async (t) => {
    const site = await openSite(t, createDb);
    const [one, other] = [await site.open(), await site.open()];
    const { id } = await beginUploadOf(one, file.length);
    let at = 0;
    for (const [uploads, length] of [
      [one, 3 * mib],
      [other, 9 * mib],
      [one, 1],
      [other, file.length - 12 * mib - 1],
    ] as const) {
      assert.equal((await settleUpload(uploads, { uploadId: id }, sender)).durableBytes, at);
      at = (await sendPart(uploads, id, at, file.subarray(at, at + length))).durableBytes;
      for (const reader of [one, other]) assert.ok(file.subarray(0, at).equals((await readUpload(reader, id)).bytes));
    }
    assert.equal(at, file.length);
    await deleteUpload(other, { uploadId: id }, sender);
    await assert.rejects(sendPart(one, id, at, Buffer.of()), { code: 'NOT_FOUND' });
    await sweepUploads(one);
    assert.deepEqual(await site.blobNames(), []);
  });

  test('of two processes that take bytes for one place one gets them in, and the other leaves nothing', async (t) => {
    const site = await openSite(t, createDb);
    const [one, other] = [await site.open(), await site.open()];
    const { id } = await beginUploadOf(one, file.length);
    await sendPart(one, id, 0, file.subarray(0, mib));
    const sent = [sendPart(one, id, mib, file.subarray(mib)), sendPart(other, id, mib, file.subarray(mib, 2 * mib))];
    const done = await Promise.allSettled(sent);
    const lost = done.filter(({ status }) => status === 'rejected');
    assert.equal(lost.length, 1);
    assert.ok(lost[0]?.status === 'rejected');
    // Who comes a moment later finds that the upload has moved on already.
    const { code, reason } = lost[0].reason;
    assert.equal(code, 'ABORTED');
    assert.ok([takenOver.reason, 'UPLOAD_OFFSET_MISMATCH'].includes(reason), reason);
    const { upload, bytes } = await readUpload(other, id);
    assert.ok(file.subarray(0, upload.durableBytes).equals(bytes));
    await sendPart(other, id, upload.durableBytes, file.subarray(upload.durableBytes));
    await sweepUploads(one);
    const pieces = await one.db.read.selectFrom('upload_pieces').select('blob_name').execute();
    assert.deepEqual(await site.blobNames(), pieces.map(({ blob_name }) => blob_name).toSorted());
  });

  test('bytes that came too late for an upload that another process ended are not taken', async (t) => {
    const site = await openSite(t, createDb);
    const [one, other] = [await site.open(), await site.open()];
    const { id } = await beginUploadOf(one, file.length);
    const body = new PassThrough();
    body.write(file.subarray(0, mib));
    const late = assert.rejects(sendPart(one, id, 0, file, { body }), { code: 'NOT_FOUND' });
    await until(async () => body.readableLength === 0);
    await deleteUpload(other, { uploadId: id }, sender);
    body.end();
    await late;
    assert.deepEqual(await site.blobNames(), []);
  });

  test('requests of a few bytes make neither many pieces nor many copies', async (t) => {
    const site = await openSite(t, createDb);
    let written = 0;
    const blobs: BlobStore = {
      ...site.blobs,
      async create(name) {
        const writer = await site.blobs.create(name);
        return {
          get sizeBytes() {
            return writer.sizeBytes;
          },
          async append(pieces) {
            for (const { length } of pieces) written += length;
            await writer.append(pieces);
          },
          seal: () => writer.seal(),
          [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
        };
      },
    };
    const uploads = await site.open({ blobs });
    const parts = 300;
    const { id } = await beginUploadOf(uploads, parts * kib);
    for (let at = 0; at < parts * kib; at += kib) await sendPart(uploads, id, at, file.subarray(at, at + kib));
    await sweepUploads(uploads);
    assert.ok((await site.blobNames()).length <= 10, `${(await site.blobNames()).length} pieces`);
    assert.ok(written <= 15 * parts * kib, `${written / kib} KiB were written`);
    assert.ok(file.subarray(0, parts * kib).equals((await readUpload(uploads, id)).bytes));
  });

  test('nothing of a body with a wrong checksum is kept, of a right one all, however many pieces it is', async (t) => {
    const site = await openSite(t, createDb);
    const uploads = await site.open();
    const { id } = await beginUploadOf(uploads, file.length);
    await sendPart(uploads, id, 0, file.subarray(0, 10));
    const rest = file.subarray(10);
    const checksum = { algorithm: 'sha256', value: sha256(rest) } as const;
    const wrong = Buffer.concat([rest.subarray(0, -1), Buffer.of(1)]);
    await assert.rejects(sendPart(uploads, id, 10, wrong, { checksum }), { reason: 'CHECKSUM_MISMATCH' });
    assert.equal((await readUpload(uploads, id)).upload.durableBytes, 10);
    assert.equal((await site.blobNames()).length, 1);
    await sendPart(uploads, id, 10, rest, { checksum });
    assert.ok(file.equals((await readUpload(uploads, id)).bytes));
    await sweepUploads(uploads);
    assert.equal((await site.blobNames()).length, Math.ceil(file.length / slotBytes));
  });

  test('a commit whose answer was lost loses nothing', async (t) => {
    const site = await openSite(t, createDb);
    const lost = new Error('the answer was lost');
    let isLost = false;
    const uploads = await site.open({
      db: (db) => ({
        ...db,
        async transact(work) {
          const answer = await db.transact(work);
          if (isLost) throw lost;
          return answer;
        },
      }),
    });
    const { id } = await beginUploadOf(uploads, file.length);
    for (const checksum of [undefined, { algorithm: 'sha256', value: sha256(file.subarray(mib, 2 * mib)) } as const]) {
      const { durableBytes: at } = await getUpload(uploads, { uploadId: id }, sender);
      isLost = true;
      await assert.rejects(sendPart(uploads, id, at, file.subarray(at, at + mib), { checksum }), { code: 'INTERNAL' });
      isLost = false;
      const { upload, bytes } = await readUpload(await site.open(), id);
      assert.equal(upload.durableBytes, at + mib);
      assert.ok(file.subarray(0, at + mib).equals(bytes));
    }
  });

  test('what a process that died has left goes once its upload is whole, and not while it may be on its way', async (t) => {
    const site = await openSite(t, createDb);
    const uploads = await site.open();
    const { id } = await beginUploadOf(uploads, mib);
    const left = newPieceName(id);
    const leave = async (name: string) => {
      await using writer = await site.blobs.create(name);
      await writer.append([Buffer.from('of a crash')]);
      await writer.seal();
    };
    await leave(left);
    await leave('readme');
    const pass = async () => {
      site.clock.now += uploads.limits.keepMs / 3;
      await sweepUploads(uploads);
    };
    await pass();
    assert.ok((await site.blobNames()).includes(left));
    await sendPart(uploads, id, 0, file.subarray(0, mib));
    await pass();
    const [piece = ''] = (await uploads.db.read.selectFrom('upload_pieces').selectAll().execute()).map(
      ({ blob_name }) => blob_name,
    );
    assert.deepEqual(await site.blobNames(), [piece, 'readme'].toSorted());
    site.clock.now += uploads.limits.keepMs;
    await pass();
    assert.deepEqual(await site.blobNames(), ['readme']);
  });

  test('a store that does not answer holds up neither the end of the service, nor what was acknowledged', async (t) => {
    const site = await openSite(t, createDb);
    let isDown = false;
    const blobs: BlobStore = {
      ...site.blobs,
      async create(name) {
        const writer = await site.blobs.create(name);
        if (!isDown) return writer;
        const { promise: dropped, reject } = Promise.withResolvers<never>();
        return {
          sizeBytes: 0,
          append: (pieces) => writer.append(pieces),
          seal: () => dropped,
          async [Symbol.asyncDispose]() {
            reject(new BlobFailed('broken', name, 'its writer is closed'));
            await writer[Symbol.asyncDispose]();
          },
        };
      },
    };
    const uploads = await site.open({ blobs });
    const { id } = await beginUploadOf(uploads, file.length);
    await sendPart(uploads, id, 0, file.subarray(0, mib));
    isDown = true;
    const ended = assert.rejects(sendPart(uploads, id, mib, file.subarray(mib, 2 * mib)));
    await until(async () => (await Array.fromAsync(site.blobs.listUnsealed())).length > 0);
    await uploads[Symbol.asyncDispose]();
    await ended;
    assert.equal((await readUpload(await site.open(), id)).upload.durableBytes, mib);
  });

  test('a piece that cannot be deleted is deleted later', async (t) => {
    const site = await openSite(t, createDb);
    let isDown = false;
    const blobs: BlobStore = {
      ...site.blobs,
      async delete(name) {
        if (isDown) throw new BlobFailed('unreachable', name, 'said by a test');
        await site.blobs.delete(name);
      },
    };
    const uploads = await site.open();
    const sweeper = await site.open({ blobs });
    const { id } = await beginUploadOf(uploads, mib);
    await sendPart(uploads, id, 0, file.subarray(0, mib));
    isDown = true;
    await uploads.db.transact((tx) => tx.deleteFrom('uploads').where('id', '=', id).execute());
    await assert.rejects(sweepUploads(sweeper), { failure: 'unreachable' });
    assert.equal((await site.blobNames()).length, 1);
    isDown = false;
    await sweepUploads(sweeper);
    assert.deepEqual(await site.blobNames(), []);
    assert.deepEqual(await uploads.db.read.selectFrom('upload_pieces').selectAll().execute(), []);
  });

  test('bytes of a store that lies are asked for again, and never given out', async (t) => {
    const site = await openSite(t, createDb);
    let lies = 0;
    const alter: ((bytes: Uint8Array<SharedArrayBuffer>) => void)[] = [];
    const blobs: BlobStore = {
      ...site.blobs,
      async read(...request) {
        const bytes = await site.blobs.read(...request);
        const lie = alter.at(-1);
        if (lie !== undefined && lies-- > 0) lie(bytes);
        return bytes;
      },
    };
    const uploads = await site.open();
    const { id } = await beginUploadOf(uploads, 10 * mib);
    await sendPart(uploads, id, 0, file.subarray(0, 9 * mib));
    for (const lie of [
      (bytes: Uint8Array) => void bytes.set([(bytes[bytes.length >> 1] ?? 0) ^ 1], bytes.length >> 1),
      (bytes: Uint8Array) => void bytes.fill(0),
      (bytes: Uint8Array) => void bytes.copyWithin(0, 1),
    ]) {
      alter.push(lie);
      for (const [offset, length] of [
        [0, 9 * mib],
        [1, 10],
        [unitBytes - 1, 2],
        [8 * mib + 7, mib - 7],
      ] as const) {
        const reader = await site.open({ blobs });
        const upload = await getUpload(reader, { uploadId: id }, sender);
        await using source = await reader.bytes.open(upload);
        lies = 1;
        assert.ok(file.subarray(offset, offset + length).equals(await source.read(offset, length)));
        await using again = await (await site.open({ blobs })).bytes.open(upload);
        lies = 1_000;
        await assert.rejects(again.read(offset, length), { name: 'BytesLost' });
        // What is taken into a new piece is bytes that are read, too.
        await assert.rejects(sendPart(reader, id, 9 * mib, file.subarray(9 * mib, 10 * mib)), { code: 'DATA_LOSS' });
        lies = 0;
        assert.equal((await getUpload(reader, { uploadId: id }, sender)).durableBytes, 9 * mib);
      }
    }
  });
});
