import { DeleteObjectCommand, GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { LruMap } from '../../lib/lru-map.ts';
import { BlobFailed } from '../blob-failed.ts';
import { type BlobInfo, type BlobReadOptions, type BlobStore, type BlobWriter, checkBlobName } from '../blob-store.ts';
import { blobFailedByS3 } from './blob-failed-by-s3.ts';
import { addressOf, type Bucket, type KnownObject } from './bucket.ts';
import { findObject } from './find-object.ts';
import { listObjects, listUploads } from './list-objects.ts';
import { abortUpload } from './multipart-upload.ts';
import { dropBody, readBody } from './read-body.ts';
import { AnswerWrong } from './s3-failure.ts';
import { S3Writer } from './s3-writer.ts';

/** Objects whose ETag is remembered: the packs of some 300 GiB. */
const knownObjects = 10_000;

/**
 * Blobs as objects of a bucket: `PREFIX/packs/NAME`, sent whole or in parts; docs/s3.md.
 *
 * What the server says is held against what was asked: the range, the length, the whole's size and its ETag. An answer
 * that does not fit is asked for again and then fails; the bytes themselves are for whoever reads to check.
 */
export class S3Blobs implements BlobStore {
  readonly #bucket: Bucket;
  readonly #known = new LruMap<string, KnownObject>(knownObjects);
  readonly #writers = new Map<string, S3Writer>();

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async create(name: string): Promise<BlobWriter> {
    checkBlobName(name);
    if (this.#writers.has(name)) throw new BlobFailed('broken', name, 'it is being written already');
    const writer: S3Writer = new S3Writer({
      bucket: this.#bucket,
      name,
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
    const { requests, idleMs } = this.#bucket;
    try {
      await requests.run({ bytes: length, signal }, async (abortSignal) => {
        const known = this.#known.get(name);
        const command = new GetObjectCommand({
          ...addressOf(this.#bucket, name),
          Range: `bytes=${offset}-${offset + length - 1}`,
          IfMatch: known?.etag,
        });
        const answer = await requests.client.send(command, { abortSignal });
        try {
          const object = checkAnswer(answer, { name, offset, length, known });
          await readBody(answer.Body, bytes, { signal: abortSignal, idleMs });
          if (known === undefined) this.#known.set(name, object);
        } finally {
          dropBody(answer.Body);
        }
      });
    } catch (error) {
      // Whatever is wrong with it, the next read begins without what we believed.
      this.#known.delete(name);
      throw blobFailedByS3(error, name, signal);
    }
    return bytes;
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
      for await (const { blobName, uploadId } of listUploads(this.#bucket, name)) {
        if (blobName === name) await abortUpload(this.#bucket, name, uploadId);
      }
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

/** Holds what the answer says of itself against what was asked. Returns what it says of the object. */
function checkAnswer(
  { ContentRange, ContentLength, ETag }: GetObjectCommandOutput,
  asked: {
    readonly name: string;
    readonly offset: number;
    readonly length: number;
    readonly known: KnownObject | undefined;
  },
): KnownObject {
  const { name, offset, length, known } = asked;
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  const end = offset + length;
  const sizeBytes = Number(size);
  if (size === undefined || Number(first) !== offset) {
    throw new AnswerWrong(`asked for bytes ${offset}-${end - 1}, the answer is of ${ContentRange ?? 'the whole'}`);
  }
  if (known !== undefined && (known.sizeBytes !== sizeBytes || (known.etag !== undefined && known.etag !== ETag))) {
    const was = `${known.sizeBytes} bytes with the ETag ${known.etag}`;
    throw new AnswerWrong(`the answer is of an object of ${sizeBytes} bytes with the ETag ${ETag}, it had ${was}`);
  }
  if (sizeBytes < end) {
    throw new BlobFailed('short', name, `${length} bytes at ${offset} wanted, it has ${sizeBytes}`);
  }
  if (Number(last) !== end - 1 || (ContentLength !== undefined && ContentLength !== length)) {
    throw new AnswerWrong(`asked for bytes ${offset}-${end - 1}, the answer is ${ContentLength} of ${ContentRange}`);
  }
  return { sizeBytes, etag: ETag };
}
