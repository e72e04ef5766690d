import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { BlobOptions } from '../blob-store.ts';
import { addressOf, type Bucket } from './bucket.ts';
import { listUploads } from './list-objects.ts';
import { AnswerWrong, classify } from './s3-failure.ts';
import { type Body, encodeCrc } from './sign-bodies.ts';

/** An object that is sent in parts, one after the other; there is nothing to see of it before it is completed. */
export class MultipartUpload {
  readonly #bucket: Bucket;
  readonly #blobName: string;
  readonly #uploadId: string;
  readonly #parts: CompletedPart[] = [];
  /** Others of the same name may have been begun for it: the answers to earlier attempts were lost, and their ids with them. */
  readonly #mayHaveStrays: boolean;

  private constructor(bucket: Bucket, blobName: string, uploadId: string, mayHaveStrays: boolean) {
    this.#bucket = bucket;
    this.#blobName = blobName;
    this.#uploadId = uploadId;
    this.#mayHaveStrays = mayHaveStrays;
  }

  static async begin(bucket: Bucket, blobName: string, { signal }: BlobOptions = {}): Promise<MultipartUpload> {
    const { requests, abilities } = bucket;
    const checksum = abilities.checksums
      ? ({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const)
      : undefined;
    const command = new CreateMultipartUploadCommand({ ...addressOf(bucket, blobName), ...checksum });
    let attempts = 0;
    const uploadId = await requests.run({ signal }, async (abortSignal) => {
      attempts += 1;
      const { UploadId } = await requests.client.send(command, { abortSignal });
      if (UploadId === undefined) throw new AnswerWrong('the server gave no id to an upload');
      return UploadId;
    });
    return new MultipartUpload(bucket, blobName, uploadId, attempts > 1);
  }

  /** Sends the next part. The bytes must not change before it returns. One call at a time. */
  async send(body: Body, { signal }: BlobOptions = {}): Promise<void> {
    const { requests, abilities } = this.#bucket;
    const PartNumber = this.#parts.length + 1;
    const crc = abilities.checksums ? { ChecksumCRC32: encodeCrc(crc32(body)) } : undefined;
    const part = { ...this.#address(), PartNumber, Body: body, ContentLength: body.byteLength, ...crc };
    const command = new UploadPartCommand(part);
    const ETag = await requests.run({ bytes: body.byteLength, signal }, async (abortSignal) => {
      const answer = await requests.client.send(command, { abortSignal });
      if (answer.ETag === undefined) throw new AnswerWrong('the server gave no ETag to a part');
      if (crc !== undefined && answer.ChecksumCRC32 !== undefined && answer.ChecksumCRC32 !== crc.ChecksumCRC32) {
        throw new AnswerWrong(
          `the server has a part with CRC-32 ${answer.ChecksumCRC32}, sent was ${crc.ChecksumCRC32}`,
        );
      }
      return answer.ETag;
    });
    this.#parts.push({ PartNumber, ETag, ...crc });
  }

  /**
   * Makes an object of the parts. `onAttempt` is called before each attempt: a later one may find that there is no such
   * upload any more, because the answer to an earlier one was lost.
   */
  async complete(
    whole: { readonly crc: number; readonly sizeBytes: number },
    signal: AbortSignal,
    onAttempt: () => void,
  ): Promise<void> {
    const { requests, abilities } = this.#bucket;
    const checksum = abilities.checksums
      ? ({ ChecksumCRC32: encodeCrc(whole.crc), ChecksumType: 'FULL_OBJECT', MpuObjectSize: whole.sizeBytes } as const)
      : undefined;
    const command = new CompleteMultipartUploadCommand({
      ...this.#address(),
      MultipartUpload: { Parts: this.#parts },
      ...checksum,
      ...(abilities.conditionalWrites ? { IfNoneMatch: '*' } : {}),
    });
    await requests.run({ signal }, async (abortSignal) => {
      onAttempt();
      const { ETag } = await requests.client.send(command, { abortSignal });
      // It may say 200 before it knows, and then what went wrong; the SDK sees to that, and we to what it does not know.
      if (ETag === undefined) throw new AnswerWrong('the server did not say that the upload is complete');
    });
  }

  /** Drops what was sent and is not part of an object. May be repeated. */
  async abort(): Promise<void> {
    if (this.#mayHaveStrays) await abortUploads(this.#bucket, this.#blobName);
    else await abortUpload(this.#bucket, this.#blobName, this.#uploadId);
  }

  /** After it was completed: leaves nothing else of its name. */
  async tidy(): Promise<void> {
    if (this.#mayHaveStrays) await abortUploads(this.#bucket, this.#blobName);
  }

  #address() {
    return { ...addressOf(this.#bucket, this.#blobName), UploadId: this.#uploadId };
  }
}

/** Drops every upload of a blob, whoever began it. */
export async function abortUploads(bucket: Bucket, name: string): Promise<void> {
  for await (const { blobName, uploadId } of listUploads(bucket, name)) {
    if (blobName === name) await abortUpload(bucket, name, uploadId);
  }
}

/** One that is gone is none. */
async function abortUpload(bucket: Bucket, blobName: string, uploadId: string): Promise<void> {
  const { requests } = bucket;
  const command = new AbortMultipartUploadCommand({ ...addressOf(bucket, blobName), UploadId: uploadId });
  try {
    await requests.run({}, (abortSignal) => requests.client.send(command, { abortSignal }));
  } catch (error) {
    if (classify(error) !== 'no-upload') throw error;
  }
}
