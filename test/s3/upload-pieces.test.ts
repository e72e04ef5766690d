import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { openS3Blobs } from '../../src/blobs/s3/open-s3-blobs.ts';
import type { S3Limits } from '../../src/blobs/s3/s3-requests.ts';
import type { S3Settings } from '../../src/blobs/s3/s3-settings.ts';
import { deleteUpload } from '../../src/uploads/delete-upload.ts';
import { getUpload } from '../../src/uploads/get-upload.ts';
import { type OpenUploads, openUploads } from '../../src/uploads/open-uploads.ts';
import { sweepUploads } from '../../src/uploads/sweep-uploads.ts';
import { put } from '../contract/blob-store-suite.ts';
import { sharePostgres, type TestDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { insertFolder } from '../fixtures/image-fixture.ts';
import { postgresMissing } from '../fixtures/postgres.ts';
import { errorAnswer, flipped, type S3Answer, type S3Proxy, startS3Proxy } from '../fixtures/s3-proxy.ts';
import { type S3Server, s3Missing, startS3Server } from '../fixtures/s3-server.ts';
import { beginUploadOf, readUpload, sender, sendPart } from '../fixtures/sent-uploads.ts';

/** Uploads of several processes on one PostgreSQL database and one bucket, behind a line that fails and lies. */

const mib = 1024 * 1024;
const hurried: Partial<S3Limits> = { idleMs: 1_000, attemptMs: 5_000, deadlineMs: 5_000, firstWaitMs: 5 };
const file = noise(17 * mib + 3, 8);

describe('uploads in a bucket', { skip: s3Missing || postgresMissing }, () => {
  const databases = sharePostgres();
  let server: S3Server;
  let proxy: S3Proxy;
  let settings: S3Settings;
  let database: TestDatabase;
  before(async () => {
    server = await startS3Server();
    proxy = await startS3Proxy(server.endpoint);
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    proxy.trouble = () => undefined;
    settings = { ...(await server.createBucket('ours')), endpoint: proxy.endpoint };
    database = await databases.create();
    await using db = await database.open();
    await insertFolder(db);
  });

  /** A process of its own: nothing is shared with others but the database and the bucket. */
  async function openProcess(t: TestContext): Promise<{ uploads: OpenUploads; names: () => Promise<string[]> }> {
    const opened = new AsyncDisposableStack();
    t.after(() => opened.disposeAsync());
    const db = opened.use(await database.open());
    const { blobs, uploadBlobs } = await openS3Blobs({ settings, limits: hurried });
    opened.use(blobs);
    const onError = () => {}; // a sweep in an outage
    const uploads = opened.use(await openUploads({ db, directory: '', blobs: uploadBlobs, onError }));
    return { uploads, names: () => Array.fromAsync(uploadBlobs.list(), ({ name }) => name) };
  }

  test('what a process that is gone has acknowledged another goes on with, reads and deletes', async (t) => {
    const { uploads: one } = await openProcess(t);
    const { id } = await beginUploadOf(one, file.length);
    await sendPart(one, id, 0, file.subarray(0, 9 * mib));
    const { uploads: other, names } = await openProcess(t);
    await sendPart(other, id, 9 * mib, file.subarray(9 * mib));
    assert.ok(file.equals((await readUpload(other, id)).bytes));
    assert.equal((await readUpload(one, id)).upload.durableBytes, file.length);
    await deleteUpload(other, { uploadId: id }, sender);
    await sweepUploads(one);
    assert.deepEqual(await names(), []);
  });

  test('packs and uploads do not see each other', async (t) => {
    const { uploads, names } = await openProcess(t);
    const { blobs } = await openS3Blobs({ settings, limits: hurried });
    await using packs = blobs;
    await put(packs, 'apack', file.subarray(0, 100));
    const { id } = await beginUploadOf(uploads, 10);
    await sendPart(uploads, id, 0, file.subarray(0, 10));
    assert.deepEqual(await Array.fromAsync(packs.list(), ({ name }) => name), ['apack']);
    const [name = ''] = await names();
    assert.equal(await packs.stat(name), undefined);
    await sweepUploads(uploads);
    assert.equal((await packs.stat('apack'))?.sizeBytes, 100);
  });

  test('an outage in the middle: the client is told to come again, and goes on from what was acknowledged', async (t) => {
    const { uploads, names } = await openProcess(t);
    const { id } = await beginUploadOf(uploads, file.length);
    let puts = 0;
    proxy.trouble = ({ kind }) => {
      if (kind !== 'put' || ++puts === 1) return undefined;
      return { answer: errorAnswer(503, 'SlowDown') };
    };
    await assert.rejects(sendPart(uploads, id, 0, file), { code: 'UNAVAILABLE' });
    const { durableBytes } = await getUpload(uploads, { uploadId: id }, sender);
    assert.equal(durableBytes, 8 * mib);
    proxy.trouble = () => undefined;
    const { uploads: other } = await openProcess(t);
    await sendPart(other, id, durableBytes, file.subarray(durableBytes));
    assert.ok(file.equals((await readUpload(uploads, id)).bytes));
    await sweepUploads(other);
    assert.equal((await names()).length, 3);
  });

  test('a store that says it has what it has not is not believed', async (t) => {
    const { uploads } = await openProcess(t);
    const { id } = await beginUploadOf(uploads, file.length);
    const stored: S3Answer = { status: 200, headers: { etag: '"x"' }, body: Buffer.alloc(0) };
    proxy.trouble = ({ kind }) => (kind === 'put' ? { answer: stored } : undefined);
    await assert.rejects(sendPart(uploads, id, 0, file.subarray(0, mib)), { code: 'INTERNAL' });
    assert.equal((await getUpload(uploads, { uploadId: id }, sender)).durableBytes, 0);
  });

  test('an answer that was lost is no reason to send again, nor to lose anything', async (t) => {
    const { uploads } = await openProcess(t);
    const { id } = await beginUploadOf(uploads, file.length);
    proxy.trouble = ({ kind, before }) => (kind === 'put' && before % 2 === 0 ? { breakAfter: -1 } : undefined);
    await sendPart(uploads, id, 0, file);
    assert.ok(file.equals((await readUpload(uploads, id)).bytes));
  });

  test('wrong bytes are asked for again; from a store that has no others none are given out', async (t) => {
    const { uploads } = await openProcess(t);
    const { id } = await beginUploadOf(uploads, file.length);
    await sendPart(uploads, id, 0, file);
    for (const lie of [
      { alter: flipped },
      { alter: (answer: S3Answer) => ({ ...answer, body: answer.body.subarray(0, -1) }) },
      { breakAfter: 1_000 },
      { stallAfter: 1_000 },
    ]) {
      proxy.trouble = () => undefined;
      const { uploads: reader } = await openProcess(t);
      const upload = await getUpload(reader, { uploadId: id }, sender);
      await using source = await reader.bytes.open(upload);
      let lies = 1;
      proxy.trouble = ({ kind }) => (kind === 'get' && lies-- > 0 ? lie : undefined);
      const [from, to] = [3 * mib + 5, 12 * mib + 7];
      assert.ok(file.subarray(from, to).equals(await source.read(from, to - from)));
    }
    proxy.trouble = () => undefined;
    const { uploads: reader } = await openProcess(t);
    await using source = await reader.bytes.open(await getUpload(reader, { uploadId: id }, sender));
    proxy.trouble = ({ kind }) => (kind === 'get' ? { alter: flipped } : undefined);
    await assert.rejects(source.read(13 * mib, mib), { name: 'BytesLost' });
  });

  test('a piece that is gone, or another one in its place, is said to be lost', async (t) => {
    const { uploads, names } = await openProcess(t);
    const { id } = await beginUploadOf(uploads, file.length);
    await sendPart(uploads, id, 0, file.subarray(0, mib));
    const [name = ''] = await names();
    const { blobs, uploadBlobs } = await openS3Blobs({ settings, limits: hurried });
    await using _blobs = blobs;
    await uploadBlobs.delete(name);
    const { uploads: reader } = await openProcess(t);
    await assert.rejects(readUpload(reader, id), { name: 'BytesLost' });
    await put(uploadBlobs, name, file.subarray(mib, 2 * mib));
    await assert.rejects(readUpload((await openProcess(t)).uploads, id), { name: 'BytesLost' });
    await uploadBlobs.delete(name);
    await put(uploadBlobs, name, file.subarray(0, mib - 1));
    await assert.rejects(readUpload((await openProcess(t)).uploads, id), { name: 'BytesLost' });
  });
});
