import type { ByteSource, ReadOptions } from '../formats/byte-source.ts';
import { uploadUri } from '../lib/upload-uri.ts';
import { BytesLost } from './bytes-lost.ts';
import { type DigestAlgorithm, hashInOrder } from './hash-in-order.ts';
import type { OnSourcePhase, Source } from './source.ts';
import { SourceFailed } from './source-failed.ts';
import type { SourceIdentity } from './source-identity.ts';

/** The file of a whole upload: what its sender calls it, how long it is, and its bytes. */
export interface UploadedFile {
  readonly fileName: string;
  readonly sizeBytes: number;
  /** Just its bytes. Throws BytesLost, as do reads, when they are not there any more as they came. */
  open(): Promise<ByteSource>;
}

/** Undefined when there is none. Handed in from above. */
export type FindUploadedFile = (uploadId: string) => Promise<UploadedFile | undefined>;

export interface UploadSourceOptions {
  readonly uploadId: string;
  readonly findUploadedFile: FindUploadedFile;
  readonly signal?: AbortSignal | undefined;
  /** Called after every read with the bytes read so far, repeated ones included. */
  readonly onProgress?: ((readBytes: number) => void) | undefined;
  readonly onPhase?: OnSourcePhase | undefined;
}

/**
 * Opens a file that was uploaded to this service, in place: its bytes do not change once they are all there.
 *
 * @throws SourceFailed when it is not there, and, then or later, when it is not what it was; the signal's reason when it
 *   aborts
 */
export async function openUploadSource(options: UploadSourceOptions): Promise<Source> {
  const { uploadId, findUploadedFile, signal } = options;
  signal?.throwIfAborted();
  const url = uploadUri(uploadId);
  const found = await findUploadedFile(uploadId);
  if (found === undefined) throw new SourceFailed({ kind: 'not-found', url, reason: 'There is no such upload.' });
  const file = await found.open().catch((error: unknown) => {
    throw explain(url, error);
  });
  options.onPhase?.('reading', file.sizeBytes);
  return new UploadSource(url, file, found.fileName, options);
}

function explain(url: string, cause: unknown): unknown {
  if (!(cause instanceof BytesLost)) return cause;
  const reason = 'Its bytes were lost.';
  return new SourceFailed({ kind: 'changed', url, reason, remedy: 'Delete it and upload the file again.', cause });
}

class UploadSource implements Source {
  readonly sizeBytes: number;
  readonly identity: SourceIdentity;
  readonly finalUrl: string;
  readonly fileName: string;
  readonly #file: ByteSource;
  readonly #options: UploadSourceOptions;
  #readBytes = 0;

  constructor(url: string, file: ByteSource, fileName: string, options: UploadSourceOptions) {
    this.sizeBytes = file.sizeBytes;
    this.finalUrl = url;
    this.fileName = fileName;
    this.#file = file;
    this.#options = options;
    // An id is never used twice, and what it names does not change: it is as good as a strong ETag.
    const etag = `"${options.uploadId}"`;
    this.identity = { url, etag, lastModified: undefined, sizeBytes: file.sizeBytes, ranges: true, sha256: undefined };
  }

  async read(offset: number, length: number, options: ReadOptions = {}): Promise<Uint8Array> {
    this.#options.signal?.throwIfAborted();
    const bytes = await this.#file.read(offset, length, options).catch((error: unknown) => {
      throw explain(this.finalUrl, error);
    });
    this.#readBytes += length;
    this.#options.onProgress?.(this.#readBytes);
    return bytes;
  }

  async digest(algorithm: DigestAlgorithm, { signal }: ReadOptions = {}): Promise<string> {
    return await hashInOrder(algorithm, this.sizeBytes, async (target, offset) => {
      target.set(await this.read(offset, target.length, { signal }));
    });
  }

  async discardSpool(): Promise<void> {
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
