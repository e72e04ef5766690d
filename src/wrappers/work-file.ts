import { type FileHandle, open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ByteReadOptions, ByteSource } from '../formats/byte-source.ts';
import type { FileRange } from '../formats/plan-reads.ts';
import { isZero } from '../lib/zeros.ts';
import { DataMap } from './data-map.ts';
import { noRoom, unpackFailure } from './unpack-failed.ts';

/** Zeros of so many bytes are left out, at multiples of it: a block of the file systems there are. */
const blockBytes = 4096;

/** How often, in bytes written, the free space is looked at. */
const spaceCheckBytes = 64 * 1024 * 1024;

/**
 * A file that is written from front to back and then read. Zeros are not written, so that the zeros of a sparse disk
 * cost no room: what is nowhere written is a hole.
 *
 * @throws UnpackFailed from every method
 */
export class WorkFile implements ByteSource {
  readonly data: DataMap;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #minFreeBytes: number;
  #sizeBytes: number;
  #writtenBytes = 0;
  #nextSpaceCheck = 0;

  private constructor(path: string, handle: FileHandle, minFreeBytes: number, sizeBytes: number, data: DataMap) {
    this.#path = path;
    this.#handle = handle;
    this.#minFreeBytes = minFreeBytes;
    this.#sizeBytes = sizeBytes;
    this.data = data;
  }

  /** A new file; one that is there is removed. */
  static async create(path: string, minFreeBytes: number): Promise<WorkFile> {
    try {
      await rm(path, { force: true });
      return new WorkFile(path, await open(path, 'wx+', 0o600), minFreeBytes, 0, new DataMap());
    } catch (error) {
      throw unpackFailure(error);
    }
  }

  /** One that was written before; undefined when it is not there or not as long as it was. */
  static async reopen(path: string, sizeBytes: number, data: DataMap): Promise<WorkFile | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch {
      return undefined;
    }
    if ((await handle.stat()).size === sizeBytes) return new WorkFile(path, handle, 0, sizeBytes, data);
    await handle.close();
    return undefined;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Bytes that were written, which is about what the file takes on its disk. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    const start = this.#sizeBytes;
    if (!isZero(bytes)) {
      for (const { offset, length } of dataIn(bytes, start)) {
        await this.#write(bytes.subarray(offset, offset + length), start + offset);
      }
    }
    this.#sizeBytes = start + bytes.length;
  }

  /** All was appended: makes the file durable. */
  async finish(): Promise<void> {
    try {
      await this.#handle.truncate(this.#sizeBytes);
      await this.#handle.datasync();
    } catch (error) {
      throw unpackFailure(error);
    }
  }

  async read(offset: number, length: number, options: ByteReadOptions = {}): Promise<Uint8Array> {
    if (offset < 0 || offset + length > this.#sizeBytes) {
      throw new RangeError(`${length} bytes at ${offset} leave ${this.#path}, which has ${this.#sizeBytes}`);
    }
    options.signal?.throwIfAborted();
    // Shared, so that threads can take it over without a copy.
    const target = options.into ?? new Uint8Array(new SharedArrayBuffer(length));
    try {
      for (let filled = 0; filled < length; ) {
        const { bytesRead } = await this.#handle.read(target, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new Error(`${this.#path} ends at ${offset + filled}`);
        filled += bytesRead;
      }
    } catch (error) {
      throw unpackFailure(error);
    }
    return target;
  }

  dataRanges(offset: number, length: number): Iterable<FileRange> {
    return this.data.within(offset, length);
  }

  /** Closes the file and leaves it where it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      if (this.#writtenBytes >= this.#nextSpaceCheck) await this.#checkSpace();
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    } catch (error) {
      throw unpackFailure(error);
    }
    this.data.add(offset, bytes.length);
    this.#writtenBytes += bytes.length;
  }

  async #checkSpace(): Promise<void> {
    const { bavail, bsize } = await statfs(dirname(this.#path));
    if (bavail * bsize - spaceCheckBytes < this.#minFreeBytes) throw noRoom(`${bavail * bsize} bytes are free there.`);
    this.#nextSpaceCheck = this.#writtenBytes + spaceCheckBytes;
  }
}

/** The ranges of `bytes`, which stand at `position` of a file, that are not blocks of zeros. */
function* dataIn(bytes: Uint8Array, position: number): Iterable<FileRange> {
  let start: number | undefined;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + blockBytes - ((position + at) % blockBytes));
    if (!isZero(bytes.subarray(at, end))) start ??= at;
    else if (start !== undefined) {
      yield { offset: start, length: at - start };
      start = undefined;
    }
    at = end;
  }
  if (start !== undefined) yield { offset: start, length: bytes.length - start };
}
