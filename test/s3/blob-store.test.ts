import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openBlobs } from '../../src/blobs/open-blobs.ts';
import { openS3Blobs } from '../../src/blobs/s3/open-s3-blobs.ts';
import { describeBlobStore } from '../contract/blob-store-suite.ts';
import { s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** The contract of blob stores, held against a bucket of a real S3 server. */

if (s3Missing === false) {
  const server = await startS3Server();
  after(() => server[Symbol.asyncDispose]());
  for (const prefix of ['', 'some/where']) {
    describeBlobStore(`S3, prefix "${prefix}"`, async () => {
      const settings = await server.createBucket(prefix);
      return { blobs: (await openS3Blobs({ settings })).blobs, end: async () => {} };
    });
  }
  describeBlobStore('S3 behind a cache', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'obraz-blobs-'));
    const s3 = await server.createBucket();
    const { blobs } = await openBlobs({ directory, s3, cache: { directory, limitBytes: 64 * 1024 * 1024 } });
    return { blobs, end: () => rm(directory, { recursive: true }) };
  });
} else {
  test('blob store: S3', { skip: s3Missing });
}
