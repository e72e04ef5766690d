import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isObjectName } from '../../../buckets/object-name.ts';
import { ServiceError } from '../../../errors.ts';
import { isAnyBucketName } from '../../../lib/object-name.ts';
import { objectUri, parseObjectUrl, readRawDiskSource, readSha1Checksum } from './raw-disk-source.ts';

const long = 'a'.repeat(1000);
const objects: readonly (readonly [address: string, bucket: string, object: string])[] = [
  ['https://storage.googleapis.com/my-bucket/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['https://storage.googleapis.com/my-bucket/dir/sub/x.tar.gz', 'my-bucket', 'dir/sub/x.tar.gz'],
  ['https://storage.googleapis.com/my-bucket/dir%2Fx%20y.tar.gz', 'my-bucket', 'dir/x y.tar.gz'],
  ['https://storage.googleapis.com/storage/v1/b/my-bucket/o/dir/x y.tar.gz', 'my-bucket', 'dir/x y.tar.gz'],
  ['https://storage.googleapis.com/storage/v1/b/my-bucket/o/dir%2Fx+y.tar.gz', 'my-bucket', 'dir/x+y.tar.gz'],
  ['https://storage.googleapis.com/storage/v1/b/my-bucket/o/100%.tar.gz', 'my-bucket', '100%.tar.gz'],
  ['https://www.googleapis.com/storage/v1/b/my_bucket/o/a%2Fb%C3%A9.tar.gz', 'my_bucket', 'a/bé.tar.gz'],
  ['https://www.googleapis.com/storage/v1beta2/b/my-bucket/o/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['http://127.0.0.1:8443/storage/v1/b/my-bucket/o/dir/x.tar.gz', 'my-bucket', 'dir/x.tar.gz'],
  ['http://[::1]:8443/storage/v1/b/my-bucket/o/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['https://images.example.com/storage/v1/b/my-bucket/o/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['https://my-bucket.storage.googleapis.com/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['https://images.example.com.storage.googleapis.com/dir/x.tar.gz', 'images.example.com', 'dir/x.tar.gz'],
  ['https://my-bucket.storage.googleapis.com/storage/v1/b/a/o/b', 'my-bucket', 'storage/v1/b/a/o/b'],
  ['https://storage.cloud.google.com/my-bucket/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['http://storage.googleapis.com/my-bucket/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['http://commondatastorage.googleapis.com/my-bucket/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['https://commondatastorage.googleapis.com/my-bucket/x.tar.gz', 'my-bucket', 'x.tar.gz'],
  ['HTTPS://Storage.GoogleAPIs.com:443/my-bucket/X.tar.gz', 'my-bucket', 'X.tar.gz'],
  ['https://storage.googleapis.com/my-bucket//x.tar.gz', 'my-bucket', '/x.tar.gz'],
  ['https://storage.googleapis.com/my-bucket/a/../x.tar.gz', 'my-bucket', 'a/../x.tar.gz'],
  ['https://storage.googleapis.com/my-bucket/x?y#z', 'my-bucket', 'x?y#z'],
  ['https://storage.googleapis.com/storage/v1/b.tar.gz', 'storage', 'v1/b.tar.gz'],
  [`https://storage.googleapis.com/abc/${long}`, 'abc', long],
];

for (const [address, bucket, object] of objects) {
  test(`finds the object of ${address.slice(0, 80)}`, () => {
    assert.deepEqual(parseObjectUrl(address), { bucket, object });
  });
}

const noObjects = [
  '',
  'x',
  'gs://my-bucket/x.tar.gz',
  's3://my-bucket/x.tar.gz',
  'file:///my-bucket/x.tar.gz',
  'https://storage.googleapis.com',
  'https://storage.googleapis.com/',
  'https://storage.googleapis.com/my-bucket',
  'https://storage.googleapis.com/my-bucket/',
  'https://storage.googleapis.com//x.tar.gz',
  'https://storage.googleapis.com/My-Bucket/x.tar.gz',
  'https://storage.googleapis.com/b/x.tar.gz',
  'https://storage.googleapis.com/192.168.0.1/x.tar.gz',
  'https://storage.googleapis.com/my-bucket/..',
  'https://storage.googleapis.com/my-bucket/%2e',
  'https://storage.googleapis.com/my-bucket/a%00.tar.gz',
  'https://storage.googleapis.com/my-bucket/a%0d%0aHost:x.tar.gz',
  'https://storage.googleapis.com/my-bucket/a\nx.tar.gz',
  `https://storage.googleapis.com/my-bucket/${'é'.repeat(513)}`,
  `https://storage.googleapis.com/my-bucket/${'%41'.repeat(1025)}`,
  'https://storage.googleapis.com/my-bucket/\ud800',
  'https://user:password@storage.googleapis.com/my-bucket/x.tar.gz',
  'https://storage.googleapis.com@evil.example.com/my-bucket/x.tar.gz',
  'https://storage.googleapis.com.evil.example.com/my-bucket/x.tar.gz',
  'https://storage.googleapis.com:port/my-bucket/x.tar.gz',
  'https://evilstorage.googleapis.com/x.tar.gz',
  'https://images.example.com/my-bucket/x.tar.gz',
  'https://www.googleapis.com/my-bucket/x.tar.gz',
  'https://www.googleapis.com/storage/v1/b/my-bucket/o/',
  'https://www.googleapis.com/storage/v1/b//o/x.tar.gz',
  'https://www.googleapis.com/upload/storage/v1/b/my-bucket/o/x.tar.gz',
  'projects/p/locations/l/repositories/r/packages/k/versions/v@dirsum_sha256:aa',
];

for (const text of noObjects) {
  test(`finds no object in ${JSON.stringify(text.slice(0, 80))}`, () => {
    assert.equal(parseObjectUrl(text), undefined);
    assert.throws(() => readRawDiskSource(text), {
      code: 'INVALID_ARGUMENT',
      message: `Invalid value for field 'resource.rawDisk.source': '${text.length > 256 ? `${text.slice(0, 256)}…` : text}'. The provided source location was not a valid Google Cloud Storage object reference.`,
    });
  });
}

test('takes objects by their name alone that it can import', () => {
  const object = 'https://storage.googleapis.com/my-bucket/dir/x.tar.gz';
  assert.deepEqual(readRawDiskSource(object), { bucket: 'my-bucket', object: 'dir/x.tar.gz' });
  for (const name of ['x.tgz', 'x.tar', 'x.TAR.GZ', 'x.tar.gz?generation=1', 'x.tar.gz/']) {
    const source = `https://storage.googleapis.com/my-bucket/${name}`;
    assert.throws(() => readRawDiskSource(source), {
      message: `Invalid value for field 'resource.rawDisk.source': '${source}'. The provided source is not a supported file.`,
    });
  }
});

test('takes a SHA-1 in 40 lower-case digits, or none', () => {
  assert.equal(readSha1Checksum(''), '');
  assert.equal(readSha1Checksum('0123456789abcdef0123456789abcdef01234567').length, 40);
  for (const wrong of ['A'.repeat(40), 'a'.repeat(39), 'a'.repeat(41), `${'a'.repeat(40)}\n`]) {
    assert.throws(() => readSha1Checksum(wrong), ServiceError);
  }
});

const config = { objectStore: 'https://objects.example.com/google' };

test('says where an object is that is kept elsewhere', () => {
  const uri = objectUri(config, { bucket: 'my-bucket', object: 'dir/x y?#%.tar.gz' });
  assert.equal(uri, 'https://objects.example.com/google/my-bucket/dir/x%20y%3F%23%25.tar.gz');
});

test('reads nothing beside the bucket that is meant', () => {
  for (const object of ['../secret.tar.gz', 'a/../../secret.tar.gz', 'a/./x.tar.gz', 'a/..', './x.tar.gz']) {
    assert.throws(() => objectUri(config, { bucket: 'my-bucket', object }), /not a valid Google Cloud Storage object/);
  }
  const { object } = readRawDiskSource('https://storage.googleapis.com/my-bucket/a%2f..%2f..%2fb.tar.gz');
  assert.throws(() => objectUri(config, { bucket: 'my-bucket', object }), ServiceError);
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5000 }),
  fc
    .array(
      fc.constantFrom(
        ...['https://', 'storage.googleapis.com', 'www.googleapis.com', '/storage/v1/b/', '/o/', '/', '.', '..', '%'],
        ...['%2f', '%2e', 'bucket', 'x.tar.gz', '@', ':', '?', '#', '\\', '\n', '\0', 'é', '\ud800', 'a'.repeat(300)],
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join('')),
);

test('any text is an object that has an address of its own below the object store, or none, and in no time', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const started = performance.now();
      const found = parseObjectUrl(text);
      assert.ok(performance.now() - started < 1000);
      if (found === undefined) return;
      assert.ok(isAnyBucketName(found.bucket) && isObjectName(found.object));
      if (found.object.split('/').some((part) => /^\.\.?$/.test(part))) return;
      const uri = objectUri(config, found);
      const { origin, pathname, search, hash } = new URL(uri);
      assert.equal(`${origin}${pathname}${search}${hash}`, uri);
      assert.deepEqual(parseObjectUrl(uri.replace(config.objectStore, 'https://storage.cloud.google.com')), found);
    }),
  );
});

test('every object of every bucket is found by the address that each client gives it', () => {
  const bucket = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{1,40}[a-z0-9]$/).filter(isAnyBucketName);
  const object = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter(isObjectName);
  fc.assert(
    fc.property(bucket, object, (b, o) => {
      const encoded = encodeURIComponent(o);
      for (const address of [
        `https://storage.googleapis.com/${b}/${encoded}`,
        `https://www.googleapis.com/storage/v1/b/${b}/o/${encoded}`,
        `http://localhost:4443/storage/v1/b/${b}/o/${encoded}`,
        `https://${b}.storage.googleapis.com/${encoded}`,
      ])
        assert.deepEqual(parseObjectUrl(address), { bucket: b, object: o });
    }),
  );
});
