import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { isId } from '../../lib/ids.ts';
import { BytesLost } from '../../sources/bytes-lost.ts';

/** Where an upload's bytes are. The id is one of ours, and a plain word. */
export function uploadPath(directory: string, uploadId: string): string {
  if (!isId(uploadId)) throw new Error(`not an upload's id: ${uploadId}`);
  return join(directory, uploadId);
}

/** Small pieces are gathered into writes of about this size. */
const batchBytes = 512 * 1024;

/** The file of an upload, open for the bytes that come after the durable ones. One writer at a time. */
export class UploadFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #batch = Buffer.allocUnsafeSlow(batchBytes);
  #gatheredBytes = 0;
  #writtenBytes: number;

  private constructor(handle: FileHandle, writtenBytes: number) {
    this.#handle = handle;
    this.#writtenBytes = writtenBytes;
  }

  /** Throws BytesLost when the durable bytes are not all there: somebody cut the file, or the disk lied. */
  static async open(path: string, durableBytes: number): Promise<UploadFile> {
    const handle = await open(path, constants.O_RDWR);
    try {
      const { size } = await handle.stat();
      if (size < durableBytes) throw new BytesLost(`${path} has ${size} bytes; ${durableBytes} were acknowledged`);
      return new UploadFile(handle, durableBytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The file's length with all that was given. */
  get lengthBytes(): number {
    return this.#writtenBytes + this.#gatheredBytes;
  }

  /** The file's length as the system has it. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Takes bytes. Returns a promise when something has to be written for them: wait for it before anything else. */
  append(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#gatheredBytes + bytes.length > batchBytes) return this.#appendBehind(bytes);
    this.#batch.set(bytes, this.#gatheredBytes);
    this.#gatheredBytes += bytes.length;
    return undefined;
  }

  /** Writes what was gathered. */
  async flush(): Promise<void> {
    const gathered = this.#batch.subarray(0, this.#gatheredBytes);
    this.#gatheredBytes = 0;
    await this.#write(gathered);
  }

  /** Makes what is written durable, and returns the length that is. More may be appended meanwhile. */
  async sync(): Promise<number> {
    const lengthBytes = this.#writtenBytes;
    await this.#handle.datasync();
    return lengthBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #appendBehind(bytes: Uint8Array): Promise<void> {
    await this.flush();
    if (bytes.length > batchBytes) await this.#write(bytes);
    else this.append(bytes);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#writtenBytes);
      done += bytesWritten;
      this.#writtenBytes += bytesWritten;
    }
  }
}
