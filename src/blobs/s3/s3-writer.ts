import { crc32 } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { BlobFailed } from '../blob-failed.ts';
import type { BlobWriter } from '../blob-store.ts';
import { blobFailedByS3 } from './blob-failed-by-s3.ts';
import { addressOf, type Bucket, type KnownObject } from './bucket.ts';
import { findObject } from './find-object.ts';
import { MultipartUpload } from './multipart-upload.ts';
import type { PartMemory } from './part-memory.ts';
import { classify } from './s3-failure.ts';
import { type Body, encodeCrc } from './sign-bodies.ts';

/**
 * A part of an upload. S3 wants at least 5 MiB, and takes 10,000 of them: 80 GiB, more than a blob ever has. One fills
 * while the one before is on its way, and that is all the memory of a writer.
 */
export const partBytes = 8 * 1024 * 1024;

export interface S3WriterOptions {
  readonly bucket: Bucket;
  readonly name: string;
  /** Of `partBytes` each. */
  readonly memory: PartMemory;
  /** The blob is there, and was seen to be. */
  readonly onSealed: (object: KnownObject) => void;
  /** The writer is done with, one way or the other; may be called twice. */
  readonly onClosed: () => void;
}

/** Writes a blob as one object: by a single request where it is smaller than a part, else in parts. */
export class S3Writer implements BlobWriter {
  readonly #options: S3WriterOptions;
  /** Aborted when the blob is given up: what is on its way stops. */
  readonly #dropped = new AbortController();
  #filling: Body | undefined;
  #filled = 0;
  /** The buffer that was sent last, free again once `#sending` is settled. */
  #spare: Body | undefined;
  #sending: Promise<void> = Promise.resolve();
  #upload: MultipartUpload | undefined;
  #sizeBytes = 0;
  #crc = 0;
  #state: 'open' | 'sealed' | 'closed' = 'open';

  constructor(options: S3WriterOptions) {
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    this.#throwIfNotOpen();
    try {
      for (const piece of pieces) {
        this.#crc = crc32(piece, this.#crc);
        for (let done = 0; done < piece.byteLength; ) {
          if (this.#filled === partBytes) await this.#sendPart();
          this.#filling ??= this.#options.memory.take();
          const some = piece.subarray(done, done + partBytes - this.#filled);
          this.#filling.set(some, this.#filled);
          this.#filled += some.byteLength;
          done += some.byteLength;
        }
        this.#sizeBytes += piece.byteLength;
      }
    } catch (error) {
      throw blobFailedByS3(error, this.#options.name);
    }
  }

  async seal(): Promise<void> {
    this.#throwIfNotOpen();
    const { name, onSealed } = this.#options;
    try {
      await this.#makeObject();
      onSealed(await this.#verify());
      // It is sealed all the same: what is left of it then goes by the bucket's own rule (docs/s3.md).
      await this.#upload?.tidy().catch(() => {});
      this.#state = 'sealed';
      this.#options.onClosed();
      for (const part of [this.#filling, this.#spare]) this.#options.memory.giveBack(part);
    } catch (error) {
      throw blobFailedByS3(error, name);
    } finally {
      this.#filling = undefined;
      this.#spare = undefined;
    }
  }

  /** The blob is given up by another hand: what comes now fails, and nothing of it becomes visible by this writer. */
  drop(): void {
    if (this.#state === 'open') this.#state = 'closed';
    this.#dropped.abort(new BlobFailed('broken', this.#options.name, 'it was deleted while it was written'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'open') this.#state = 'closed';
    this.#options.onClosed();
    if (this.#state === 'sealed') return;
    this.#dropped.abort(new BlobFailed('broken', this.#options.name, 'its writer is closed'));
    await this.#sending.catch(() => {});
    // What can't be dropped now is listed as not sealed, and goes with the next sweep.
    await this.#upload?.abort().catch(() => {});
  }

  /** Hands the full buffer over to its request, once the one before is done. */
  async #sendPart(): Promise<void> {
    const { bucket, name } = this.#options;
    const { signal } = this.#dropped;
    await this.#sending;
    const body = this.#filling?.subarray(0, this.#filled) ?? new Uint8Array(0);
    this.#upload ??= await MultipartUpload.begin(bucket, name, { signal });
    this.#sending = this.#upload.send(body, { signal });
    // It is awaited before the next part and at the end; until then nobody listens.
    this.#sending.catch(() => {});
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#filled = 0;
  }

  async #makeObject(): Promise<void> {
    if (this.#upload !== undefined) {
      await this.#sendPart();
      await this.#sending;
    }
    let attempts = 0;
    const onAttempt = () => {
      attempts += 1;
    };
    try {
      if (this.#upload === undefined) await this.#put(onAttempt);
      else await this.#upload.complete({ crc: this.#crc, sizeBytes: this.#sizeBytes }, this.#dropped.signal, onAttempt);
    } catch (error) {
      const failure = classify(error);
      // An earlier attempt succeeded and its answer was lost; that it was ours is seen by what is there.
      if (attempts > 1 && (failure === 'changed' || failure === 'no-upload')) return;
      if (failure === 'changed') throw new BlobFailed('broken', this.#options.name, 'it is there already', error);
      throw error;
    }
  }

  /** The whole blob in one request. */
  async #put(onAttempt: () => void): Promise<void> {
    const { bucket, name } = this.#options;
    const { requests, abilities } = bucket;
    const body = this.#filling?.subarray(0, this.#filled) ?? new Uint8Array(0);
    const command = new PutObjectCommand({
      ...addressOf(bucket, name),
      Body: body,
      ContentLength: body.byteLength,
      ...(abilities.checksums ? { ChecksumCRC32: encodeCrc(this.#crc) } : {}),
      ...(abilities.conditionalWrites ? { IfNoneMatch: '*' } : {}),
    });
    await requests.run({ bytes: body.byteLength, signal: this.#dropped.signal }, (abortSignal) => {
      onAttempt();
      return requests.client.send(command, { abortSignal });
    });
  }

  /** Looks at what is there now. The server's word for it is not enough: it may speak of another object. */
  async #verify(): Promise<KnownObject> {
    const { bucket, name } = this.#options;
    const found = await findObject(bucket, name, { signal: this.#dropped.signal });
    if (found === undefined) throw new BlobFailed('broken', name, 'it was stored, and is not there');
    const { sizeBytes, etag, crc } = found;
    if (sizeBytes !== this.#sizeBytes) {
      throw new BlobFailed('broken', name, `${this.#sizeBytes} bytes were stored, ${sizeBytes} are there`);
    }
    const written = encodeCrc(this.#crc);
    if (crc !== undefined && crc !== written) {
      throw new BlobFailed('broken', name, `what is there has CRC-32 ${crc}, stored was ${written}`);
    }
    return { sizeBytes, etag };
  }

  #throwIfNotOpen(): void {
    this.#dropped.signal.throwIfAborted();
    if (this.#state !== 'open') throw new Error(`blob ${this.#options.name}: its writer is closed`);
  }
}
