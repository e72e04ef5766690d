import { GetObjectCommand, HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { BlobOptions } from '../blob-store.ts';
import { addressOf, type Bucket } from './bucket.ts';
import { dropBody } from './read-body.ts';
import { AnswerWrong, classify } from './s3-failure.ts';

/** What the server says of a blob's object. */
export interface FoundObject {
  readonly sizeBytes: number;
  readonly etag: string | undefined;
  /** CRC-32 of all its bytes in base64, where the server keeps one. */
  readonly crc: string | undefined;
}

/**
 * Looks a blob's object up; undefined when there is none. An answer to HEAD has no body, so that a bucket that is gone
 * looks like an object that is: whoever takes content for lost must not do so for that, and we ask once more by GET.
 */
export async function findObject(
  bucket: Bucket,
  blobName: string,
  { signal }: BlobOptions = {},
): Promise<FoundObject | undefined> {
  const { requests } = bucket;
  const address = addressOf(bucket, blobName);
  const head = new HeadObjectCommand({ ...address, ChecksumMode: 'ENABLED' });
  try {
    return await requests.run({ signal }, async (abortSignal) => {
      return foundBy(await requests.client.send(head, { abortSignal }));
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    await requests.run({ signal }, async (abortSignal) => {
      const get = new GetObjectCommand({ ...address, Range: 'bytes=0-0' });
      dropBody((await requests.client.send(get, { abortSignal })).Body);
      throw new AnswerWrong('the server says that there is no such object, and sends it');
    });
  } catch (error) {
    if (classify(error) !== 'missing') throw error;
  }
  return undefined;
}

function foundBy({ ContentLength, ETag, ChecksumCRC32, ChecksumType }: HeadObjectCommandOutput): FoundObject {
  if (ContentLength === undefined) throw new AnswerWrong('the server does not say how long an object is');
  // That of an object in parts may be made of the parts' sums, and then says nothing of the whole.
  const isOfAll = ChecksumType !== 'COMPOSITE' && !ChecksumCRC32?.includes('-');
  return { sizeBytes: ContentLength, etag: ETag, crc: isOfAll ? ChecksumCRC32 : undefined };
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NotFound' || classify(error) === 'missing');
}
