import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import { beginTestObject, bucket, openTestBuckets } from '../../test/fixtures/bucket-fixture.ts';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { sweepUploads } from '../uploads/sweep-uploads.ts';
import type { Buckets } from './buckets.ts';
import { deleteBucket } from './delete-bucket.ts';
import { dropObject } from './drop-object.ts';
import { finishParts } from './finish-parts.ts';
import { getObjectSession } from './get-object-session.ts';
import { openObject } from './open-object.ts';
import { dropParts, putPart } from './put-part.ts';

const file = noise(3_000_000, 7);
const pieces = [file.subarray(0, 1_000_000), file.subarray(1_000_000, 2_500_000), file.subarray(2_500_000)];

/** Sends a part, and returns it as it is chosen. */
async function send(buckets: Buckets, uploadId: string, number: number, bytes: Uint8Array) {
  const session = await getObjectSession(buckets, { bucket, uploadId });
  const body = Readable.from([bytes], { objectMode: false });
  const part = { number, lengthBytes: bytes.length, md5: undefined, body, signal: new AbortController().signal };
  return { number, md5: await putPart(buckets, session, { ...part, check() {} }) };
}

async function finish(
  buckets: Buckets,
  uploadId: string,
  parts: readonly { number: number; md5: string }[],
  signal = new AbortController().signal,
) {
  const session = await getObjectSession(buckets, { bucket, uploadId });
  return finishParts(buckets, session, { parts, signal });
}

async function contentOf(buckets: Buckets, name: string): Promise<Buffer> {
  await using opened = await openObject(buckets, { bucket, name });
  return Buffer.from(await opened.bytes.read(0, opened.bytes.sizeBytes));
}

eachDatabase(({ open }) => {
  test('an object of parts that was interrupted goes on where it stands, of the same parts alone', async (t) => {
    const { buckets, uploads } = await openTestBuckets(t, open);
    const uploadId = await beginTestObject(buckets, 'x');
    const numbered = pieces.map((bytes, index) => ({ number: index + 1, bytes }));
    const parts = await Promise.all(numbered.map(({ number, bytes }) => send(buckets, uploadId, number, bytes)));
    const leaving = new AbortController();
    const interrupted = {
      ...buckets,
      digests: Object.assign(Object.create(buckets.digests), {
        // The client leaves while the second part is being copied.
        follow: (id: string, offsetBytes: number) => {
          if (id === uploadId && offsetBytes > 0) leaving.abort(new Error('left'));
          return buckets.digests.follow(id, offsetBytes);
        },
      }),
    };
    await assert.rejects(finish(interrupted, uploadId, parts, leaving.signal), { code: 'INTERNAL' });
    const { upload } = await getObjectSession(buckets, { bucket, uploadId });
    assert.equal(upload.durableBytes, 1_000_000);
    await assert.rejects(send(buckets, uploadId, 2, pieces[0] ?? file), { reason: 'PARTS_CHOSEN' });
    await assert.rejects(finish(buckets, uploadId, parts.slice(0, 2)), { reason: 'NO_SUCH_PART' });
    const object = await finish(buckets, uploadId, parts);
    assert.equal(object.upload.lengthBytes, file.length);
    assert.ok(file.equals(await contentOf(buckets, 'x')));
    assert.deepEqual((await finish(buckets, uploadId, parts)).md5, object.md5, 'again');
    assert.equal((await uploads.db.read.selectFrom('object_parts').selectAll().execute()).length, 0);
  });

  test('a part that is another than was said is not there, and the one before it stays', async (t) => {
    const { buckets, uploads } = await openTestBuckets(t, open);
    const uploadId = await beginTestObject(buckets, 'x');
    const part = await send(buckets, uploadId, 1, file);
    const session = await getObjectSession(buckets, { bucket, uploadId });
    const wrong = { number: 1, lengthBytes: 10, signal: new AbortController().signal, md5: undefined, check() {} };
    const bodyOf = (length: number) => Readable.from([noise(length, 1)], { objectMode: false });
    for (const change of [
      { body: bodyOf(9) },
      { body: bodyOf(11) },
      { body: bodyOf(10), md5: part.md5 },
      {
        body: bodyOf(10),
        check() {
          throw new Error('another checksum');
        },
      },
    ]) {
      await assert.rejects(putPart(buckets, session, { ...wrong, ...change }));
    }
    assert.equal((await uploads.db.read.selectFrom('uploads').selectAll().execute()).length, 2);
    await finish(buckets, uploadId, [part]);
    assert.ok(file.equals(await contentOf(buckets, 'x')));
  });

  test('parts keep each other, and expire with their object', async (t) => {
    const { buckets, uploads, clock } = await openTestBuckets(t, open);
    const uploadId = await beginTestObject(buckets, 'x');
    const parts = [];
    for (const [index, bytes] of pieces.entries()) {
      clock.now += 20 * 3_600_000;
      parts.push(await send(buckets, uploadId, index + 1, bytes));
      await sweepUploads(uploads);
    }
    await finish(buckets, uploadId, parts);
    const other = await beginTestObject(buckets, 'y');
    await send(buckets, other, 1, file);
    clock.now += 25 * 3_600_000;
    await sweepUploads(uploads);
    assert.deepEqual(await uploads.db.read.selectFrom('uploads').selectAll().execute(), []);
  });

  test('parts go with the object that they were to be, and with its bucket', async (t) => {
    const { buckets, uploads, place } = await openTestBuckets(t, open);
    const dropped = await beginTestObject(buckets, 'x');
    const [first] = [await send(buckets, dropped, 1, file), await send(buckets, dropped, 2, file)];
    await dropObject(buckets, { uploadId: dropped });
    const refused = await beginTestObject(buckets, 'x', { md5: first.md5 });
    const parts = [await send(buckets, refused, 1, file), await send(buckets, refused, 2, file)];
    await assert.rejects(finish(buckets, refused, parts), { reason: 'CHECKSUM_MISMATCH' });
    await send(buckets, await beginTestObject(buckets, 'x'), 1, file);
    await deleteBucket(buckets, { name: bucket });
    assert.deepEqual(await uploads.db.read.selectFrom('uploads').selectAll().execute(), []);
    assert.deepEqual(await place.keptIds(), []);
  });

  test('parts can be given up one and all', async (t) => {
    const { buckets, uploads } = await openTestBuckets(t, open);
    const uploadId = await beginTestObject(buckets, 'x');
    for (const number of [1, 2]) await send(buckets, uploadId, number, file);
    await dropParts(buckets, uploadId);
    assert.equal((await uploads.db.read.selectFrom('uploads').selectAll().execute()).length, 1);
    await assert.rejects(finish(buckets, uploadId, []), { reason: 'NO_PARTS' });
  });
});
