import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { BucketUnusable } from '../bucket-unusable.ts';
import type { Abilities } from './bucket.ts';
import { readBody } from './read-body.ts';
import { classify, describeFailure } from './s3-failure.ts';
import type { S3Requests } from './s3-requests.ts';
import { encodeCrc } from './sign-bodies.ts';

export interface ProbeOptions {
  readonly requests: S3Requests;
  readonly bucket: string;
  /** Of all our keys, with a slash at its end unless it is empty. */
  readonly prefix: string;
  /** Names the bucket in messages. */
  readonly description: string;
  readonly idleMs: number;
}

/**
 * Does with the bucket what the service will do, with an object of its own that is gone afterwards: what is not allowed
 * there is known at the start, and not when the first image is lost. Returns what the server can do.
 *
 * @throws BucketUnusable
 */
export async function probeBucket({ requests, bucket, prefix, description, idleMs }: ProbeOptions): Promise<Abilities> {
  const { client } = requests;
  const object = { Bucket: bucket, Key: `${prefix}probe/${randomBytes(12).toString('hex')}` };
  const body = new Uint8Array(randomBytes(64));
  const ChecksumCRC32 = encodeCrc(crc32(body));
  const step = async <Answer>(
    what: string,
    attempt: (abortSignal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> => {
    try {
      return await requests.run({}, attempt);
    } catch (error) {
      const message = `${description} cannot be used: ${what} failed: ${describeFailure(error)}`;
      throw new BucketUnusable(message, { cause: error });
    }
  };
  const put = (extra: { ChecksumCRC32?: string; IfNoneMatch?: string }) => (abortSignal: AbortSignal) =>
    client.send(new PutObjectCommand({ ...object, Body: body, ContentLength: body.byteLength, ...extra }), {
      abortSignal,
    });

  // A server that refuses a header for being unknown to it stores nothing.
  const takesChecksums = await step('writing an object', async (abortSignal) => {
    try {
      await put({ ChecksumCRC32 })(abortSignal);
      return true;
    } catch (error) {
      if (classify(error) === 'passing') throw error;
      return false;
    }
  });
  if (!takesChecksums) await step('writing an object', put({}));
  const { ETag, ChecksumCRC32: kept } = await step('looking at an object', (abortSignal) =>
    client.send(new HeadObjectCommand({ ...object, ChecksumMode: 'ENABLED' }), { abortSignal }),
  );
  const found = new Uint8Array(body.byteLength - 1);
  await step('reading a range of an object', async (abortSignal) => {
    const answer = await client.send(new GetObjectCommand({ ...object, Range: 'bytes=1-', IfMatch: ETag }), {
      abortSignal,
    });
    await readBody(answer.Body, found, { signal: abortSignal, idleMs });
  });
  if (!body.subarray(1).every((byte, index) => byte === found[index])) {
    throw new BucketUnusable(`${description} cannot be used: an object has other bytes than were written`);
  }
  const conditionalWrites = await requests.run({}, put({ IfNoneMatch: '*' })).then(
    () => false,
    (error: unknown) => classify(error) === 'changed',
  );
  await step('listing objects', (abortSignal) =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }), { abortSignal }),
  );
  await step('listing multipart uploads', (abortSignal) =>
    client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, MaxUploads: 1 }), { abortSignal }),
  );
  await step('deleting an object', (abortSignal) => client.send(new DeleteObjectCommand(object), { abortSignal }));
  return { checksums: takesChecksums && kept === ChecksumCRC32, conditionalWrites };
}
