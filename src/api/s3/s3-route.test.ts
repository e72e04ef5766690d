import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type FakeDeps, startApi } from '../../../test/fixtures/api-fixture.ts';
import { openTestBuckets } from '../../../test/fixtures/bucket-fixture.ts';
import { openTestSqlite } from '../../../test/fixtures/databases.ts';
import { noise } from '../../../test/fixtures/guest.ts';
import { folderId } from '../../../test/fixtures/image-fixture.ts';
import { RoleCache } from '../../access/role-cache.ts';
import { createTokenKeyPem, readTokenKey } from '../../access/token-key.ts';
import { bindStorage } from '../../bind-storage.ts';
import { permissionDenied } from '../../errors.ts';
import { crc32c } from '../../lib/crc32c.ts';

const file = noise(300_000, 9);
const md5 = createHash('md5').update(file).digest('hex');
const keyId = 'YCAJEaaaaaaaaaaaaaaaaaaaa';
const secret = 'a'.repeat(40);
const subject = { id: 'ajeaaaaaaaaaaaaaaaaa', kind: 'serviceAccount' } as const;
const Bucket = 'a-bucket';

/** The door over buckets of its own. Who has the key may do everything unless the test says otherwise. */
async function start(t: TestContext, change: FakeDeps = {}, config: S3ClientConfig = {}) {
  const { buckets, uploads } = await openTestBuckets(t, openTestSqlite);
  const access = { db: buckets.db, administratorId: 'aje', roles: new RoleCache() };
  const tokenKey = readTokenKey(createTokenKeyPem());
  const changes: string[] = [];
  const storage = {
    ...bindStorage({ access, buckets, tokenKey, isOurHost: (host) => host === 'localhost' || host === '127.0.0.1' }),
    findAccessKey: async (id: string) => (id === keyId ? { subject, folderId, secret } : undefined),
  };
  const audit = {
    recordMadeChange: async ({
      method,
      resourceId,
      subjectId,
    }: Record<'method' | 'resourceId' | 'subjectId', string>) => {
      assert.equal(subjectId, subject.id);
      changes.push(`${method} ${resourceId}`);
    },
  };
  const api = await startApi({ storage, audit, ...change }, { plaintext: true });
  t.after(() => api[Symbol.asyncDispose]());
  const client = new S3Client({
    endpoint: api.url,
    region: 'ru-central1',
    credentials: { accessKeyId: keyId, secretAccessKey: secret },
    forcePathStyle: true,
    maxAttempts: 1,
    ...config,
  });
  t.after(() => client.destroy());
  return { client, changes, uploads, api };
}

async function bytesOf({ Body }: { Body?: { transformToByteArray(): Promise<Uint8Array> } | undefined }) {
  assert.ok(Body);
  return Buffer.from(await Body.transformToByteArray());
}

const failsWith = (name: string, status: number) => (error: unknown) => {
  assert.ok(error instanceof Error && '$metadata' in error);
  const { $metadata } = error as unknown as { $metadata: { httpStatusCode?: number } }; // as every error of the SDK has it
  assert.deepEqual([error.name, $metadata.httpStatusCode], [name, status]);
  return true;
};

test('takes an object and gives it back, whole and by range', async (t) => {
  const { client, changes } = await start(t);
  const Key = 'a folder/диск+1.qcow2';
  const about = { ContentType: 'application/x-qemu-disk', Metadata: { made: 'by packer' }, CacheControl: 'no-cache' };
  const put = await client.send(new PutObjectCommand({ Bucket, Key, Body: file, ...about }));
  assert.equal(put.ETag, `"${md5}"`);
  const got = await client.send(new GetObjectCommand({ Bucket, Key }));
  assert.ok(file.equals(await bytesOf(got)));
  const { ContentLength, ContentType, Metadata, CacheControl, ETag } = got;
  assert.deepEqual(
    { ContentLength, ContentType, Metadata, CacheControl, ETag },
    {
      ContentLength: file.length,
      ...about,
      ETag: put.ETag,
    },
  );
  const part = await client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=1000-1999' }));
  assert.deepEqual([part.ContentRange, part.ContentLength], [`bytes 1000-1999/${file.length}`, 1000]);
  assert.ok(file.subarray(1000, 2000).equals(await bytesOf(part)));
  const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
  assert.deepEqual([head.ContentLength, head.ETag], [file.length, put.ETag]);
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  await client.send(new DeleteObjectCommand({ Bucket, Key })); // nothing to delete is no failure
  await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key })), failsWith('NoSuchKey', 404));
  await assert.rejects(client.send(new HeadObjectCommand({ Bucket, Key })), failsWith('NotFound', 404));
  assert.deepEqual(changes, [
    `PUT /s3/{bucket}/{object} ${Bucket}/${Key.replaceAll(/[^ -~]/g, '?')}`,
    ...Array(2).fill(`DELETE /s3/{bucket}/{object} ${Bucket}/${Key.replaceAll(/[^ -~]/g, '?')}`),
  ]);
});

test('takes bodies in every way that clients send them', async (t) => {
  for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
    const { client } = await start(t);
    await client.send(new PutObjectCommand({ Bucket, Key: 'known', Body: file, ChecksumAlgorithm }));
    // Of a stream nothing is known before: the checksum comes behind it.
    const Body = Readable.from([file.subarray(0, 1000), file.subarray(1000)], { objectMode: false });
    const stream = { Bucket, Key: 'stream', Body, ContentLength: file.length, ChecksumAlgorithm };
    await client.send(new PutObjectCommand(stream));
    for (const Key of ['known', 'stream']) {
      assert.ok(
        file.equals(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))),
        ChecksumAlgorithm,
      );
    }
  }
  const { client } = await start(t, {}, { requestChecksumCalculation: 'WHEN_REQUIRED' });
  await client.send(new PutObjectCommand({ Bucket, Key: 'x', Body: file }));
  assert.ok(file.equals(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key: 'x' })))));
  await client.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
  assert.equal((await client.send(new HeadObjectCommand({ Bucket, Key: 'empty' }))).ContentLength, 0);
});

test('keeps nothing of a body that is not what it was said to be', async (t) => {
  const { client } = await start(t);
  const Key = 'x';
  const wrong = { Bucket, Key, Body: file };
  const other = createHash('md5').update('other').digest('base64');
  await assert.rejects(client.send(new PutObjectCommand({ ...wrong, ContentMD5: other })), failsWith('BadDigest', 400));
  const ChecksumCRC32 = 'AAAAAA==';
  await assert.rejects(client.send(new PutObjectCommand({ ...wrong, ChecksumCRC32 })), failsWith('BadDigest', 400));
  assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'first', IfNoneMatch: '*' }));
  await assert.rejects(
    client.send(new PutObjectCommand({ ...wrong, IfNoneMatch: '*' })),
    failsWith('PreconditionFailed', 412),
  );
  assert.equal((await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))).toString(), 'first');
});

test('makes an object of parts, sent in any order and more than once', async (t) => {
  const { client, uploads } = await start(t);
  const object = { Bucket, Key: 'parts.qcow2' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, ContentType: 'text/plain' }));
  const pieces = [file.subarray(0, 100_000), file.subarray(100_000, 250_000), file.subarray(250_000)];
  const send = async (PartNumber: number, Body: Uint8Array) => {
    const { ETag } = await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber, Body }));
    return { PartNumber, ETag };
  };
  await send(2, noise(10, 1));
  const numbers = [7, 3, 2, 1];
  const sent = await Promise.all(numbers.map((number) => send(number, pieces[Math.min(number, 3) - 1] ?? file)));
  const ordered = sent.toReversed();
  const finish = (Parts: typeof sent) =>
    client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts } }));
  await assert.rejects(finish(sent), failsWith('InvalidPartOrder', 400));
  await assert.rejects(finish([...ordered, { PartNumber: 9, ETag: `"${md5}"` }]), failsWith('InvalidPart', 400));
  const chosen = ordered.filter(({ PartNumber }) => PartNumber !== 7);
  assert.equal((await finish(chosen)).ETag, `"${md5}"`);
  assert.equal((await finish(chosen)).ETag, `"${md5}"`, 'again, for who did not hear it');
  const got = await client.send(new GetObjectCommand(object));
  assert.ok(file.equals(await bytesOf(got)));
  assert.equal(got.ContentType, 'text/plain');
  assert.equal((await uploads.db.read.selectFrom('uploads').selectAll().execute()).length, 1, 'no part is left');
  await assert.rejects(send(4, file), failsWith('NoSuchUpload', 404));
});

test('keeps to what is said of an object when its parts are complete', async (t) => {
  const { client } = await start(t);
  const object = { Bucket, Key: 'x' };
  const begin = async () => {
    // Of the request's own body, which is empty.
    const ContentMD5 = '1B2M2Y8AsgTpgAmY7PhCfg==';
    const command = new CreateMultipartUploadCommand(object);
    command.middlewareStack.add(
      (next) => (args) => {
        const { request } = args;
        assert.ok(typeof request === 'object' && request !== null && 'headers' in request);
        Object.assign(request.headers ?? {}, { 'content-md5': ContentMD5 });
        return next(args);
      },
      { step: 'build' },
    );
    const { UploadId } = await client.send(command);
    const part = { ...object, UploadId, PartNumber: 1, Body: file };
    const { ETag } = await client.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    return (about: object) =>
      client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload, ...about }));
  };
  const finish = await begin();
  await assert.rejects(finish({ ChecksumSHA256: 'x' }), failsWith('NotImplemented', 501));
  await assert.rejects(finish({ MpuObjectSize: file.length - 1 }), failsWith('InvalidArgument', 400));
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(file));
  const ChecksumCRC32C = sum.toString('base64');
  await finish({ ChecksumCRC32C, MpuObjectSize: file.length, IfNoneMatch: '*' });
  await assert.rejects((await begin())({ IfNoneMatch: '*' }), failsWith('PreconditionFailed', 412));
  await assert.rejects((await begin())({ ChecksumCRC32C: 'AAAAAA==' }), failsWith('BadDigest', 400));
  await (await begin())({ ChecksumCRC32C: `${ChecksumCRC32C}-1` });
  assert.ok(file.equals(await bytesOf(await client.send(new GetObjectCommand(object)))));
});

test('deletes nothing on terms that it does not know', async (t) => {
  const { client } = await start(t);
  const object = { Bucket, Key: 'x' };
  const { ETag } = await client.send(new PutObjectCommand({ ...object, Body: 'x' }));
  const notImplemented = failsWith('NotImplemented', 501);
  await assert.rejects(client.send(new DeleteObjectCommand({ ...object, IfMatch: ETag })), notImplemented);
  await assert.rejects(client.send(new DeleteObjectCommand({ ...object, VersionId: '1' })), notImplemented);
  const deleteAll = (about: object) =>
    client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x', ...about }] } }));
  await assert.rejects(deleteAll({ ETag }), notImplemented);
  await assert.rejects(deleteAll({ VersionId: '1' }), notImplemented);
  await assert.rejects(deleteAll({ Key: '' }), failsWith('MalformedXML', 400));
  await client.send(new HeadObjectCommand(object));
  await deleteAll({ VersionId: 'null' });
  await assert.rejects(client.send(new HeadObjectCommand(object)), failsWith('NotFound', 404));
});

test('forgets what was begun in parts and given up', async (t) => {
  const { client, uploads } = await start(t);
  const object = { Bucket, Key: 'x' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
  await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: file }));
  await assert.rejects(
    client.send(new UploadPartCommand({ Bucket, Key: 'y', UploadId, PartNumber: 1, Body: file })),
    failsWith('NoSuchUpload', 404),
  );
  for (const PartNumber of [0, 10_001]) {
    const part = new UploadPartCommand({ ...object, UploadId, PartNumber, Body: file });
    await assert.rejects(client.send(part), failsWith('InvalidArgument', 400));
  }
  await client.send(new AbortMultipartUploadCommand({ ...object, UploadId }));
  await assert.rejects(
    client.send(new AbortMultipartUploadCommand({ ...object, UploadId })),
    failsWith('NoSuchUpload', 404),
  );
  assert.deepEqual(await uploads.db.read.selectFrom('uploads').selectAll().execute(), []);
});

test('makes, lists and deletes buckets', async (t) => {
  const { client } = await start(t);
  await client.send(new CreateBucketCommand({ Bucket: 'b.ucket' }));
  await assert.rejects(
    client.send(new CreateBucketCommand({ Bucket: 'b.ucket' })),
    failsWith('BucketAlreadyExists', 409),
  );
  const { Buckets } = await client.send(new ListBucketsCommand({}));
  assert.deepEqual(
    Buckets?.map(({ Name }) => Name),
    [Bucket, 'b.ucket'],
  );
  await client.send(new HeadBucketCommand({ Bucket: 'b.ucket' }));
  const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket }));
  assert.equal(LocationConstraint, 'ru-central1');
  await client.send(new PutObjectCommand({ Bucket: 'b.ucket', Key: 'x', Body: 'x' }));
  await assert.rejects(client.send(new DeleteBucketCommand({ Bucket: 'b.ucket' })), failsWith('BucketNotEmpty', 409));
  await client.send(new DeleteObjectsCommand({ Bucket: 'b.ucket', Delete: { Objects: [{ Key: 'x' }, { Key: 'y' }] } }));
  await client.send(new DeleteBucketCommand({ Bucket: 'b.ucket' }));
  await assert.rejects(client.send(new HeadBucketCommand({ Bucket: 'b.ucket' })), failsWith('NotFound', 404));
  await assert.rejects(client.send(new ListObjectsV2Command({ Bucket: 'b.ucket' })), failsWith('NoSuchBucket', 404));
  await assert.rejects(client.send(new GetBucketAclCommand({ Bucket })), failsWith('NotImplemented', 501));
});

test('lists objects page after page, by prefix and folder, in either version', async (t) => {
  const { client } = await start(t);
  const names = ['a', 'b/1', 'b/2 &<>', 'c', 'd'];
  for (const Key of names) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const seen: (string | undefined)[] = [];
  for (let ContinuationToken: string | undefined; ; ) {
    const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken }));
    seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
    ContinuationToken = page.NextContinuationToken;
    assert.equal(page.IsTruncated, ContinuationToken !== undefined);
    if (ContinuationToken === undefined) break;
  }
  assert.deepEqual(seen, names);
  const first = await client.send(new ListObjectsCommand({ Bucket, MaxKeys: 3, EncodingType: 'url' }));
  assert.equal(first.NextMarker, 'b/2%20%26%3C%3E');
  const rest = await client.send(new ListObjectsCommand({ Bucket, Marker: 'b/2 &<>' }));
  assert.deepEqual(
    rest.Contents?.map(({ Key, Size }) => [Key, Size]),
    [
      ['c', 1],
      ['d', 1],
    ],
  );
  const shown: (string | undefined)[] = [];
  for (let Marker: string | undefined; ; ) {
    const page = await client.send(new ListObjectsCommand({ Bucket, MaxKeys: 1, Delimiter: '/', Marker }));
    shown.push(
      ...(page.Contents ?? []).map(({ Key }) => Key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    );
    Marker = page.NextMarker;
    if (Marker === undefined || shown.length > names.length) break;
  }
  assert.deepEqual(shown, ['a', 'b/', 'c', 'd'], 'what stands for a folder is passed as a whole');
  const folders = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', StartAfter: 'a' }));
  assert.deepEqual(folders.CommonPrefixes, [{ Prefix: 'b/' }]);
  assert.deepEqual(
    folders.Contents?.map(({ Key }) => Key),
    ['c', 'd'],
  );
  const some = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'b/' }));
  assert.deepEqual(
    some.Contents?.map(({ Key }) => Key),
    ['b/1', 'b/2 &<>'],
  );
  assert.equal((await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }))).KeyCount, 0);
});

test('asks whether the key’s account may, before anything is done', async (t) => {
  const { client } = await start(t, {
    async authorize(_subject, _permission, scope) {
      throw permissionDenied(typeof scope === 'string' ? scope : 'denied');
    },
  });
  for (const command of [
    new GetObjectCommand({ Bucket, Key: 'x' }),
    new PutObjectCommand({ Bucket, Key: 'x', Body: file }),
    new CreateBucketCommand({ Bucket: 'another' }),
  ]) {
    // biome-ignore lint/suspicious/noExplicitAny: the SDK's types know no union of commands
    await assert.rejects(client.send(command as any), failsWith('AccessDenied', 403));
  }
});

test('tells who has another secret, or none, in words that clients show', async (t) => {
  const wrong = { accessKeyId: keyId, secretAccessKey: 'b'.repeat(40) };
  const { client, api } = await start(t, {}, { credentials: wrong });
  await assert.rejects(client.send(new ListBucketsCommand({})), failsWith('SignatureDoesNotMatch', 403));
  await assert.rejects(
    client.send(new PutObjectCommand({ Bucket, Key: 'x', Body: file })),
    failsWith('SignatureDoesNotMatch', 403),
  );
  const unknown = await fetch(`${api.url}/${Bucket}/x`, { headers: { authorization: 'AWS4-HMAC-SHA256 x' } });
  assert.deepEqual([unknown.status, unknown.headers.get('content-type')], [400, 'application/xml']);
  assert.match(await unknown.text(), /^<\?xml .*\n<Error><Code>InvalidRequest<\/Code><Message>.*<RequestId>[\w-]+</);
  const unsigned = await fetch(`${api.url}/.s3`);
  assert.equal(unsigned.status, 400);
});
