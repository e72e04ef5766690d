import { DeleteObjectCommand, GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { LruMap } from '../../lib/lru-map.ts';
import { BlobFailed } from '../blob-failed.ts';
import {
  type BlobInfo,
  type BlobOptions,
  type BlobReadOptions,
  type BlobWriter,
  checkBlobName,
} from '../blob-store.ts';
import type { RemoteBlobs } from '../remote-blobs.ts';
import { blobFailedByS3 } from './blob-failed-by-s3.ts';
import { addressOf, type Bucket, type KnownObject } from './bucket.ts';
import { findObject } from './find-object.ts';
import { listObjects, listUploads } from './list-objects.ts';
import { abortUploads } from './multipart-upload.ts';
import { PartMemory } from './part-memory.ts';
import { dropBody, readBody } from './read-body.ts';
import { AnswerWrong } from './s3-failure.ts';
import { partBytes, S3Writer } from './s3-writer.ts';

/** Objects whose ETag is remembered: the packs of some 300 GiB. */
const knownObjects = 10_000;

/**
 * Blobs as objects of a bucket: `PREFIX/packs/NAME`, or `PREFIX/uploads/NAME` for pieces of uploads; sent whole or in parts; docs/s3.md.
 *
 * What the server says is held against what was asked: the range, the length, the whole's size and its ETag. An answer
 * that does not fit is asked for again and then fails; the bytes themselves are for whoever reads to check.
 */
export class S3Blobs implements RemoteBlobs {
  readonly #bucket: Bucket;
  readonly #known = new LruMap<string, KnownObject>(knownObjects);
  readonly #writers = new Map<string, S3Writer>();
  readonly #memory = new PartMemory(partBytes);

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async create(name: string): Promise<BlobWriter> {
    checkBlobName(name);
    if (this.#writers.has(name)) throw new BlobFailed('broken', name, 'it is being written already');
    const writer: S3Writer = new S3Writer({
      bucket: this.#bucket,
      name,
      memory: this.#memory,
      onSealed: (object) => this.#known.set(name, object),
      onClosed: () => {
        if (this.#writers.get(name) === writer) this.#writers.delete(name);
      },
    });
    this.#writers.set(name, writer);
    return writer;
  }

  async read(
    name: string,
    offset: number,
    length: number,
    { into, signal }: BlobReadOptions = {},
  ): Promise<Uint8Array<SharedArrayBuffer>> {
    checkBlobName(name);
    const bytes = into ?? new Uint8Array(new SharedArrayBuffer(length));
    if (length === 0) return bytes;
    const found = await this.readUpTo(name, offset, bytes, { signal });
    if (found === length) return bytes;
    throw new BlobFailed('short', name, `${length} bytes at ${offset} wanted, ${found} are there`);
  }

  async readUpTo(name: string, offset: number, target: Uint8Array, { signal }: BlobOptions = {}): Promise<number> {
    checkBlobName(name);
    const { requests, idleMs } = this.#bucket;
    const bytes = target.byteLength;
    try {
      return await requests.run({ bytes, signal }, async (abortSignal) => {
        const known = this.#known.get(name);
        const command = new GetObjectCommand({
          ...addressOf(this.#bucket, name),
          Range: `bytes=${offset}-${offset + bytes - 1}`,
          IfMatch: known?.etag,
        });
        const answer = await requests.client.send(command, { abortSignal });
        try {
          const { object, length } = checkAnswer(answer, offset, bytes, known);
          await readBody(answer.Body, target.subarray(0, length), { signal: abortSignal, idleMs });
          if (known === undefined) this.#known.set(name, object);
          return length;
        } finally {
          dropBody(answer.Body);
        }
      });
    } catch (error) {
      // Whatever is wrong with it, the next read begins without what we believed.
      this.#known.delete(name);
      throw blobFailedByS3(error, name, signal);
    }
  }

  async stat(name: string): Promise<BlobInfo | undefined> {
    checkBlobName(name);
    try {
      const found = await findObject(this.#bucket, name);
      return found && { name, sizeBytes: found.sizeBytes };
    } catch (error) {
      throw blobFailedByS3(error, name);
    }
  }

  list(): AsyncIterable<BlobInfo> {
    return listObjects(this.#bucket);
  }

  async *listUnsealed(): AsyncIterable<string> {
    // A blob that is smaller than a part has nothing in the bucket before it is sealed.
    const names = new Set(this.#writers.keys());
    for await (const { blobName } of listUploads(this.#bucket)) names.add(blobName);
    yield* names;
  }

  async delete(name: string): Promise<void> {
    checkBlobName(name);
    const { requests } = this.#bucket;
    this.#writers.get(name)?.drop();
    this.#writers.delete(name);
    this.#known.delete(name);
    try {
      await abortUploads(this.#bucket, name);
      const command = new DeleteObjectCommand(addressOf(this.#bucket, name));
      await requests.run({}, (abortSignal) => requests.client.send(command, { abortSignal }));
    } catch (error) {
      const failed = blobFailedByS3(error, name);
      if (!(failed instanceof BlobFailed) || failed.failure !== 'missing') throw failed;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bucket.requests[Symbol.dispose]();
  }
}

/** Holds what the answer says of itself against what was asked: all of the range that the object has, and no other one. */
function checkAnswer(
  { ContentRange, ContentLength, ETag }: GetObjectCommandOutput,
  offset: number,
  bytes: number,
  known: KnownObject | undefined,
): { readonly object: KnownObject; readonly length: number } {
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  const sizeBytes = Number(size);
  if (known !== undefined && size !== undefined && isOther(known, { sizeBytes, etag: ETag })) {
    const was = `${known.sizeBytes} bytes with the ETag ${known.etag}`;
    throw new AnswerWrong(`the answer is of an object of ${sizeBytes} bytes with the ETag ${ETag}, it had ${was}`);
  }
  const length = Math.min(bytes, sizeBytes - offset);
  const isAsked = Number(first) === offset && Number(last) === offset + length - 1;
  if (!isAsked || (ContentLength !== undefined && ContentLength !== length)) {
    const came = `${ContentLength} bytes of ${ContentRange ?? 'the whole'}`;
    throw new AnswerWrong(`asked for bytes ${offset}-${offset + bytes - 1}, the answer is ${came}`);
  }
  return { object: { sizeBytes, etag: ETag }, length };
}

function isOther(known: KnownObject, found: KnownObject): boolean {
  return known.sizeBytes !== found.sizeBytes || (known.etag !== undefined && known.etag !== found.etag);
}
