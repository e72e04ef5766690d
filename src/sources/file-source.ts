import { type FileHandle, open } from 'node:fs/promises';
import type { ByteReadOptions, ByteSource } from '../formats/byte-source.ts';
import { BytesLost } from './bytes-lost.ts';

/** The file gave fewer bytes than it had when it was opened. */
export class FileTruncated extends BytesLost {
  readonly path: string;

  constructor(path: string, offset: number) {
    super(`${path} ends at ${offset}, before its length when it was opened.`);
    this.name = 'FileTruncated';
    this.path = path;
  }
}

/**
 * A local file as a source; its bytes must not change while it is open. The caller chose the path: no address from
 * outside ever becomes one.
 *
 * @param options.sizeBytes only so many bytes from its beginning are the source; FileTruncated when it has less
 * @throws the error of the file system when it cannot be opened or is no regular file
 */
export async function openFileSource(
  path: string,
  { sizeBytes }: { readonly sizeBytes?: number } = {},
): Promise<ByteSource> {
  const handle = await open(path, 'r');
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new TypeError(`${path} is not a regular file.`);
    if (sizeBytes !== undefined && stats.size < sizeBytes) throw new FileTruncated(path, stats.size);
    return new FileSource(path, handle, sizeBytes ?? stats.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class FileSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  async read(offset: number, length: number, options: ByteReadOptions = {}): Promise<Uint8Array> {
    checkRange(this.sizeBytes, offset, length);
    options.signal?.throwIfAborted();
    const bytes = options.into ?? new Uint8Array(new SharedArrayBuffer(length));
    await readFully(this.#handle, this.#path, bytes, offset);
    options.signal?.throwIfAborted();
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** @throws RangeError unless the range lies within `sizeBytes`: the caller's mistake, never the source's */
export function checkRange(sizeBytes: number, offset: number, length: number): void {
  const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!sound || offset + length > sizeBytes) {
    throw new RangeError(`A read of ${length} bytes at ${offset} leaves the source, which has ${sizeBytes}.`);
  }
}

/** Fills `target` from the file at `offset`, or throws FileTruncated. */
export async function readFully(handle: FileHandle, path: string, target: Uint8Array, offset: number): Promise<void> {
  for (let filled = 0; filled < target.length; ) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, offset + filled);
    if (bytesRead === 0) throw new FileTruncated(path, offset + filled);
    filled += bytesRead;
  }
}
