import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../lib/write-file-durably.ts';
import { BlobFailed, blobFailedBy } from './blob-failed.ts';
import {
  type BlobInfo,
  type BlobReadOptions,
  type BlobStore,
  type BlobWriter,
  checkBlobName,
  isBlobName,
} from './blob-store.ts';
import { OpenFiles } from './open-files.ts';

/**
 * Blobs as files of a local directory:
 *
 *     DIR/ab/NAME      a sealed blob; `ab` are the last two characters of its name, so that no folder grows too large
 *     DIR/partial/NAME a blob that is being written
 *
 * A blob is written under `partial/`, fsynced, renamed to its place, and the folder that names it is fsynced.
 */
export async function openLocalBlobs(directory: string): Promise<BlobStore> {
  const partial = join(directory, 'partial');
  await mkdir(partial, { recursive: true });
  return new LocalBlobs(directory, partial);
}

/** Open files kept for reading: enough for several readers of several packs each. */
const openFilesKept = 128;

class LocalBlobs implements BlobStore {
  readonly #directory: string;
  readonly #partial: string;
  readonly #files = new OpenFiles(openFilesKept);
  /** Folders that a power cut does not take away: that one is there does not say so, whoever made it may have died. */
  readonly #durableFolders = new Set<string>();

  constructor(directory: string, partial: string) {
    this.#directory = directory;
    this.#partial = partial;
  }

  async create(name: string): Promise<BlobWriter> {
    const path = this.#path(name);
    const partialPath = join(this.#partial, name);
    try {
      await this.#makeDurable(dirname(path));
      return new LocalBlobWriter(name, partialPath, path, await open(partialPath, 'wx'));
    } catch (error) {
      throw blobFailedBy(error, name);
    }
  }

  async read(
    name: string,
    offset: number,
    length: number,
    options: BlobReadOptions = {},
  ): Promise<Uint8Array<SharedArrayBuffer>> {
    const path = this.#path(name);
    const bytes = options.into ?? new Uint8Array(new SharedArrayBuffer(length));
    let done = 0;
    try {
      await using file = await this.#files.use(path);
      while (done < length) {
        const { bytesRead } = await file.handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } catch (error) {
      throw blobFailedBy(error, name);
    }
    if (done < length) throw new BlobFailed('short', name, `${length} bytes at ${offset} wanted, ${done} are there`);
    return bytes;
  }

  async stat(name: string): Promise<BlobInfo | undefined> {
    const path = this.#path(name);
    try {
      const { size } = await stat(path);
      return { name, sizeBytes: size };
    } catch (error) {
      const failed = blobFailedBy(error, name);
      if (failed.failure === 'missing') return undefined;
      throw failed;
    }
  }

  async *list(): AsyncIterable<BlobInfo> {
    for await (const folder of await opendir(this.#directory)) {
      // What is not ours (a file system's own folders, what editors and network shares leave) is nobody's blob.
      if (!folder.isDirectory() || folder.name.length !== 2) continue;
      for await (const file of await opendir(join(this.#directory, folder.name))) {
        if (!isBlobName(file.name)) continue;
        const info = await this.stat(file.name);
        if (info !== undefined) yield info;
      }
    }
  }

  async *listUnsealed(): AsyncIterable<string> {
    yield* (await readdir(this.#partial)).filter(isBlobName);
  }

  async delete(name: string): Promise<void> {
    const path = this.#path(name);
    try {
      await rm(join(this.#partial, name), { force: true });
      await rm(path, { force: true });
      // Last: a reader that opened it meanwhile would else keep its space for as long as the file stays open.
      await this.#files.forget(path);
    } catch (error) {
      throw blobFailedBy(error, name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  async #makeDurable(folder: string): Promise<void> {
    if (this.#durableFolders.has(folder)) return;
    await mkdir(folder, { recursive: true });
    await syncDirectory(this.#directory);
    this.#durableFolders.add(folder);
  }

  #path(name: string): string {
    checkBlobName(name);
    return join(this.#directory, name.slice(-2).padStart(2, '0'), name);
  }
}

class LocalBlobWriter implements BlobWriter {
  readonly #name: string;
  readonly #partialPath: string;
  readonly #path: string;
  readonly #file: FileHandle;
  #sizeBytes = 0;
  #state: 'open' | 'sealed' | 'closed' = 'open';

  constructor(name: string, partialPath: string, path: string, file: FileHandle) {
    this.#name = name;
    this.#partialPath = partialPath;
    this.#path = path;
    this.#file = file;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    const total = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    try {
      let written = (await this.#file.writev([...pieces], this.#sizeBytes)).bytesWritten;
      // A short write is legal; the next one says why.
      for (const piece of rest(pieces, written)) {
        for (let done = 0; done < piece.byteLength; ) {
          const { bytesWritten } = await this.#file.write(
            piece,
            done,
            piece.byteLength - done,
            this.#sizeBytes + written,
          );
          done += bytesWritten;
          written += bytesWritten;
        }
      }
    } catch (error) {
      throw blobFailedBy(error, this.#name);
    }
    this.#sizeBytes += total;
  }

  async seal(): Promise<void> {
    try {
      const { size } = await this.#file.stat();
      if (size !== this.#sizeBytes) {
        throw new BlobFailed('broken', this.#name, `${this.#sizeBytes} bytes were written, the file has ${size}`);
      }
      await this.#file.sync();
      await this.#file.close();
      this.#state = 'closed';
      await rename(this.#partialPath, this.#path);
      this.#state = 'sealed';
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      throw error instanceof BlobFailed ? error : blobFailedBy(error, this.#name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'open') await this.#file.close();
    if (this.#state === 'sealed') return;
    await rm(this.#partialPath, { force: true });
  }
}

/** What is left of the pieces after their first `written` bytes. */
function* rest(pieces: readonly Uint8Array[], written: number): Iterable<Uint8Array> {
  let skip = written;
  for (const piece of pieces) {
    if (skip < piece.byteLength) yield piece.subarray(skip);
    skip = Math.max(0, skip - piece.byteLength);
  }
}
