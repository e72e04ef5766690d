import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  appendTestBytes,
  beginTestObject,
  bucket,
  openTestBuckets,
  putTestObject,
} from '../../test/fixtures/bucket-fixture.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { folderId } from '../../test/fixtures/image-fixture.ts';
import { eachUploadPlace } from '../../test/fixtures/upload-place.ts';
import { crc32c } from '../lib/crc32c.ts';
import { BytesLost } from '../sources/bytes-lost.ts';
import { sweepUploads } from '../uploads/sweep-uploads.ts';
import { consumeUpload, findUploadedFile, releaseUpload, useUpload } from '../uploads/use-upload.ts';
import { type Buckets, createBuckets } from './buckets.ts';
import { createBucket } from './create-bucket.ts';
import { deleteBucket } from './delete-bucket.ts';
import { deleteObject } from './delete-object.ts';
import { dropObject } from './drop-object.ts';
import { findObject } from './find-object.ts';
import { finishObject } from './finish-object.ts';
import { getBucket } from './get-bucket.ts';
import { getObject } from './get-object.ts';
import { getObjectSession } from './get-object-session.ts';
import { listBuckets } from './list-buckets.ts';
import { listObjects } from './list-objects.ts';
import { openObject } from './open-object.ts';

const file = noise(300_000, 7);
const md5 = createHash('md5').update(file).digest('base64');
const kib = 1024;

function crc(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(bytes));
  return sum.toString('base64');
}

const another = (name: string, folder = folderId) => ({ name, folderId: folder, location: 'US', storageClass: 'X' });
const allOf = { bucket, prefix: '', delimiter: '', startOffset: '', endOffset: '', maxResults: 0, pageToken: '' };
const conditionNotMet = { code: 'FAILED_PRECONDITION', reason: 'CONDITION_NOT_MET' };
const noObject = { code: 'NOT_FOUND', message: /^No such object: a-bucket\// };

async function namesOf(buckets: Buckets): Promise<string[]> {
  return (await listObjects(buckets, allOf)).objects.map(({ name }) => name);
}

const use = (buckets: Buckets, uploadId: string, operationId: string, folders: Record<string, string> = {}) =>
  buckets.db.transact((tx) => useUpload(tx, { uploadId, operationId, folderId, subjectId: 'aje', ...folders }));

eachUploadPlace(({ openDb, openPlace }) => {
  const open = (t: TestContext, limits = {}) => openTestBuckets(t, openDb, limits, openPlace);

  test('makes, finds, lists and deletes buckets', async (t) => {
    const { buckets, clock } = await open(t);
    const made = await createBucket(buckets, another('b-bucket'));
    assert.deepEqual(made, { ...another('b-bucket'), createdAt: new Date(clock.now) });
    assert.deepEqual(await getBucket(buckets, { name: 'b-bucket' }), made);
    const page = { folderId, prefix: '', maxResults: 1, pageToken: '' };
    const first = await listBuckets(buckets, page);
    const second = await listBuckets(buckets, { ...page, pageToken: first.nextPageToken });
    assert.deepEqual(
      [first, second].flatMap(({ items }) => items.map(({ name }) => name)),
      [bucket, 'b-bucket'],
    );
    assert.equal(second.nextPageToken, '');
    assert.deepEqual((await listBuckets(buckets, { ...page, folderId: 'b1gother' })).items, []);
    await deleteBucket(buckets, { name: 'b-bucket' });
    const missing = { code: 'NOT_FOUND', message: 'The specified bucket does not exist.' };
    await assert.rejects(getBucket(buckets, { name: 'b-bucket' }), missing);
    await assert.rejects(deleteBucket(buckets, { name: 'b-bucket' }), missing);
  });

  test('refuses names that are none, or taken, and more buckets than a folder may have', async (t) => {
    const { buckets } = await open(t, { maxBucketsOfFolder: 2 });
    for (const name of [
      '',
      'ab',
      'A-bucket',
      '-abc',
      'abc-',
      'a..b',
      '1.2.3.4',
      'goog-x',
      'my-google',
      'a/b',
      'a'.repeat(64),
    ]) {
      await assert.rejects(createBucket(buckets, another(name)), { code: 'INVALID_ARGUMENT' }, name);
    }
    await assert.rejects(createBucket(buckets, another(bucket)), {
      code: 'ALREADY_EXISTS',
      message: /you already own it/,
    });
    await assert.rejects(createBucket(buckets, another('b-bucket', 'b1gnone')), { code: 'NOT_FOUND' });
    await createBucket(buckets, another('a.bucket_with.dots'));
    await assert.rejects(createBucket(buckets, another('c-bucket')), { reason: 'TOO_MANY_BUCKETS' });
  });

  test('keeps a file under its name, with its sums, and gives it back', async (t) => {
    const { buckets, uploads, clock, place } = await open(t);
    const uploadId = await beginTestObject(buckets, 'dir/ä file.tar.gz', { md5, crc32c: crc(file) });
    await appendTestBytes(buckets, uploadId, file.subarray(0, 100_000));
    assert.deepEqual(await namesOf(buckets), [], 'nobody sees it before it is whole');
    await appendTestBytes(buckets, uploadId, file.subarray(100_000));
    const object = await finishObject(buckets, { uploadId });
    assert.deepEqual([object.md5, object.crc32c, object.upload.lengthBytes], [md5, crc(file), file.length]);
    assert.equal(object.generation, clock.now * 1000);
    assert.equal(object.upload.expiresAt.getTime(), clock.now + uploads.limits.keepMs);
    assert.deepEqual(await finishObject(buckets, { uploadId }), object, 'may be repeated');
    assert.deepEqual(await getObject(buckets, { bucket, name: object.name }), object);
    assert.deepEqual(await namesOf(buckets), [object.name]);
    clock.now += 7_200_000;
    await using opened = await openObject(buckets, { bucket, name: object.name });
    const { expiresAt } = (await getObject(buckets, { bucket, name: object.name })).upload;
    assert.equal(expiresAt.getTime(), clock.now + uploads.limits.keepMs, 'reading it puts its end off');
    assert.ok(file.subarray(9, 200_000).equals(await opened.bytes.read(9, 200_000 - 9)));
    await deleteObject(buckets, { bucket, name: object.name });
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), []);
    const still = await opened.bytes.read(0, file.length).catch((error: unknown) => error);
    if (place.blobs === undefined) assert.deepEqual(still, new Uint8Array(file), 'who reads it reads on');
    else assert.ok(still instanceof BytesLost, 'who reads it is told');
    await assert.rejects(getObject(buckets, { bucket, name: object.name }), noObject);
    await assert.rejects(openObject(buckets, { bucket, name: object.name }), noObject);
  });

  test('takes an empty file', async (t) => {
    const { buckets } = await open(t);
    const uploadId = await beginTestObject(buckets, 'empty');
    const object = await finishObject(buckets, { uploadId });
    assert.deepEqual(
      [object.upload.lengthBytes, object.crc32c, object.md5],
      [0, 'AAAAAA==', '1B2M2Y8AsgTpgAmY7PhCfg=='],
    );
  });

  test('keeps nothing of a file that is not what it was said to be', async (t) => {
    const { buckets, uploads, place } = await open(t);
    for (const terms of [{ md5: crc(file) }, { crc32c: crc(file.subarray(1)) }]) {
      await assert.rejects(putTestObject(buckets, 'wrong', file, terms), { reason: 'CHECKSUM_MISMATCH' });
    }
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), []);
    assert.deepEqual(await namesOf(buckets), []);
  });

  test('reads a file again whose sums nobody remembers', async (t) => {
    const { buckets, uploads } = await open(t);
    const uploadId = await beginTestObject(buckets, 'resumed', { md5 });
    await appendTestBytes(buckets, uploadId, file.subarray(0, 5));
    const restarted = createBuckets(uploads);
    await appendTestBytes(restarted, uploadId, file.subarray(5));
    const object = await finishObject(createBuckets(uploads), { uploadId });
    assert.deepEqual([object.md5, object.crc32c], [md5, crc(file)]);
  });

  test('a name is taken from one object by the next, as the terms allow', async (t) => {
    const { buckets, uploads, place } = await open(t);
    const first = await putTestObject(buckets, 'x', file, { generation: 0 });
    await assert.rejects(beginTestObject(buckets, 'x', { generation: 0 }), conditionNotMet);
    const [one, other] = [
      await beginTestObject(buckets, 'x', { generation: first.generation }),
      await beginTestObject(buckets, 'x', { generation: first.generation }),
    ];
    await appendTestBytes(buckets, one, Buffer.from('one'));
    const second = await finishObject(buckets, { uploadId: one });
    assert.ok(second.generation > first.generation);
    await assert.rejects(finishObject(buckets, { uploadId: other }), conditionNotMet);
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), [one], 'neither the one before nor the one refused is kept');
    await assert.rejects(getObject(buckets, { bucket, name: 'x', generation: first.generation }), noObject);
    await assert.rejects(getObject(buckets, { bucket, name: 'x', terms: { notMetageneration: 1 } }), conditionNotMet);
    await assert.rejects(
      deleteObject(buckets, { bucket, name: 'x', terms: { generation: first.generation } }),
      conditionNotMet,
    );
    await getObject(buckets, { bucket, name: 'x', generation: second.generation, terms: { metageneration: 1 } });
  });

  test('several imports read an object at once; what loses its name is kept until they end', async (t) => {
    const { buckets, uploads, clock, place } = await open(t);
    const { upload } = await putTestObject(buckets, 'x', file);
    assert.deepEqual(await findObject(buckets, { bucket, object: 'x' }), {
      folderId,
      uri: `obraz:upload/${upload.id}`,
    });
    assert.equal(await findObject(buckets, { bucket: 'elsewhere', object: 'x' }), undefined);
    await assert.rejects(findObject(buckets, { bucket, object: 'y' }), noObject);
    await use(buckets, upload.id, 'first');
    await use(buckets, upload.id, 'second');
    await putTestObject(buckets, 'x', Buffer.from('another'));
    await sweepUploads(uploads);
    const found = await findUploadedFile(uploads, upload.id);
    assert.deepEqual([found?.fileName, found?.sizeBytes], ['x', file.length]);
    await using source = await found?.open();
    await uploads.db.transact((tx) => consumeUpload(uploads, tx, 'first'));
    await sweepUploads(uploads);
    assert.ok(file.equals((await source?.read(0, file.length)) ?? Buffer.of()));
    await uploads.db.transact((tx) => releaseUpload(uploads, tx, 'second'));
    await sweepUploads(uploads);
    assert.equal((await place.keptIds()).length, 1);

    const { upload: kept } = await getObject(buckets, { bucket, name: 'x' });
    await use(buckets, kept.id, 'third');
    clock.now += 2 * uploads.limits.keepMs;
    await sweepUploads(uploads);
    assert.deepEqual(await namesOf(buckets), ['x'], 'it does not expire while it is read');
    await uploads.db.transact((tx) => consumeUpload(uploads, tx, 'third'));
    assert.equal(
      (await getObject(buckets, { bucket, name: 'x' })).upload.expiresAt.getTime(),
      clock.now + uploads.limits.keepMs,
    );
    await deleteObject(buckets, { bucket, name: 'x' });
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), []);
  });

  test('gives an object to imports in its own folder, and in others by who may read it', async (t) => {
    const { buckets } = await open(t);
    const { upload } = await putTestObject(buckets, 'x', file);
    const hidden = { code: 'FAILED_PRECONDITION', reason: 'SOURCE_NOT_FOUND' };
    await assert.rejects(use(buckets, upload.id, 'a', { folderId: 'b1gother' }), hidden);
    await assert.rejects(use(buckets, upload.id, 'a', { objectsFolderId: 'b1gother' }), hidden);
    await use(buckets, upload.id, 'a', { folderId: 'b1gother', objectsFolderId: folderId });
    const unfinished = await beginTestObject(buckets, 'y', {}, 10);
    await assert.rejects(use(buckets, unfinished, 'b'), hidden);
  });

  test('expires as uploads do, and is then not there', async (t) => {
    const { buckets, uploads, clock, place } = await open(t);
    await putTestObject(buckets, 'old', file);
    const uploadId = await beginTestObject(buckets, 'begun');
    clock.now += uploads.limits.keepMs;
    await assert.rejects(getObject(buckets, { bucket, name: 'old' }), noObject);
    await assert.rejects(getObjectSession(buckets, { bucket, uploadId }), { reason: 'SESSION_NOT_FOUND' });
    assert.deepEqual(await namesOf(buckets), []);
    const again = await putTestObject(buckets, 'old', Buffer.from('new'), { generation: 0 });
    await sweepUploads(uploads);
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), [again.upload.id]);
  });

  test('survives an end between the last byte and the name', async (t) => {
    const { buckets, uploads, place } = await open(t);
    const uploadId = await beginTestObject(buckets, 'x', {}, file.length);
    await appendTestBytes(buckets, uploadId, file);
    if (place.blobs === undefined) await appendFile(join(place.directory, uploadId), 'bytes that nobody was told of');
    else await place.leave(uploadId);
    const restarted = createBuckets(uploads);
    await sweepUploads(uploads);
    const { upload, generation } = await getObjectSession(restarted, { bucket, uploadId });
    assert.deepEqual([upload.durableBytes, generation], [file.length, 0]);
    const object = await finishObject(restarted, { uploadId });
    assert.deepEqual([object.md5, object.upload.lengthBytes], [md5, file.length]);
    await using source = await uploads.bytes.open(object.upload);
    assert.deepEqual([source.sizeBytes, file.equals(await source.read(0, file.length))], [file.length, true]);
  });

  test('keeps to its limits, and grows a file as it comes', async (t) => {
    const { buckets } = await open(t, {
      maxObjects: 2,
      maxLengthBytes: 200 * kib,
      maxTotalBytes: 230 * kib,
      syncBytes: 16 * kib,
    });
    for (const name of ['', '.', '..', 'a\nb', 'a'.repeat(1025), '\ud800']) {
      await assert.rejects(beginTestObject(buckets, name), { code: 'INVALID_ARGUMENT' }, name);
    }
    await assert.rejects(beginTestObject(buckets, 'x', {}, 200 * kib + 1), { reason: 'UPLOAD_TOO_LONG' });
    const uploadId = await beginTestObject(buckets, 'x');
    await appendTestBytes(buckets, uploadId, file.subarray(0, 100 * kib));
    await assert.rejects(appendTestBytes(buckets, uploadId, file), { reason: 'UPLOAD_TOO_LONG' });
    const { upload } = await getObjectSession(buckets, { bucket, uploadId });
    await assert.rejects(beginTestObject(buckets, 'y', {}, 231 * kib - upload.lengthBytes), {
      reason: 'STORAGE_FULL',
    });
    await beginTestObject(buckets, 'y', {}, 230 * kib - upload.lengthBytes);
    const more = file.subarray(0, upload.lengthBytes - upload.durableBytes + 1);
    await assert.rejects(appendTestBytes(buckets, uploadId, more), { reason: 'STORAGE_FULL' });
    await assert.rejects(beginTestObject(buckets, 'z'), { reason: 'TOO_MANY_OBJECTS' });
    const elsewhere = { bucket: 'no-bucket', uploadId };
    await assert.rejects(getObjectSession(buckets, elsewhere), { reason: 'SESSION_NOT_FOUND' });
  });

  test('deletes no bucket with objects in it, and with the last one what is on its way', async (t) => {
    const { buckets, uploads, place } = await open(t);
    await putTestObject(buckets, 'x', file);
    const begun = await beginTestObject(buckets, 'y');
    await appendTestBytes(buckets, begun, file);
    await assert.rejects(deleteBucket(buckets, { name: bucket }), { reason: 'BUCKET_NOT_EMPTY' });
    await deleteObject(buckets, { bucket, name: 'x' });
    await deleteBucket(buckets, { name: bucket });
    await sweepUploads(uploads);
    assert.deepEqual(await place.keptIds(), []);
    await assert.rejects(finishObject(buckets, { uploadId: begun }), { code: 'NOT_FOUND' });
    await dropObject(buckets, { uploadId: begun });
  });

  test('lists by prefix, folder and page, in the order of bytes', async (t) => {
    const { buckets } = await open(t);
    const names = ['a', 'b/1', 'b/2/x', 'b/2/y', 'b0', 'c', '\u{1f600}', '\uff5e'];
    for (const name of names) await putTestObject(buckets, name, Buffer.from(name));
    const sorted = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    assert.deepEqual(await namesOf(buckets), sorted);
    const list = async (query: Partial<typeof allOf>) => {
      const seen: string[] = [];
      for (let pageToken = ''; ; ) {
        const page = await listObjects(buckets, { ...allOf, maxResults: 2, ...query, pageToken });
        assert.ok(page.objects.length + page.prefixes.length <= 2);
        seen.push(...page.objects.map(({ name }) => name), ...page.prefixes);
        if (page.nextPageToken === '') return seen.toSorted();
        pageToken = page.nextPageToken;
      }
    };
    assert.deepEqual(await list({}), names.toSorted());
    assert.deepEqual(await list({ delimiter: '/' }), ['a', 'b/', 'b0', 'c', ...names.slice(6)].toSorted());
    assert.deepEqual(await list({ delimiter: '/', prefix: 'b/' }), ['b/1', 'b/2/']);
    assert.deepEqual(await list({ prefix: 'b' }), ['b/1', 'b/2/x', 'b/2/y', 'b0']);
    assert.deepEqual(await list({ startOffset: 'b/2', endOffset: 'c' }), ['b/2/x', 'b/2/y', 'b0']);
    await assert.rejects(listObjects(buckets, { ...allOf, pageToken: '!' }), { code: 'INVALID_ARGUMENT' });
  });
});
