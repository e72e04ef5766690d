import { close, fstatSync, openSync, read, readSync } from 'node:fs';
import { copyBytes } from '../lib/copy-bytes.ts';
import { LruMap } from '../lib/lru-map.ts';
import {
  blockBytes,
  checksumOf,
  decodeDirectory,
  decodeTable,
  decodeTrailer,
  layOut,
  type PoolFileFacts,
  type PoolFileLayout,
  roundUp,
  spanBytes,
  tableBytes,
} from './pool-file-format.ts';
import type { QuickReads } from './quick-reads.ts';

/** Read and verified at a time: a quarter of a millisecond of checksums. It divides a span. */
const pieceBytes = 1024 * 1024;

/** A longer read goes to a thread: to copy it here would keep others waiting longer than the thread costs. */
const quickBytes = 16 * 1024;

/** The file is not what was written, or ends too early. */
export class PoolFileDamaged extends Error {
  constructor(path: string, fact: string) {
    super(`${path}: ${fact}`);
    this.name = 'PoolFileDamaged';
  }
}

/** Tables of all files of a pool: 64 KiB of memory for each 64 MiB of guest space that is read, 64 MiB of it at most. */
export type KeptTables = LruMap<string, Uint32Array>;

export function createKeptTables(): KeptTables {
  return new LruMap(1024);
}

export interface PoolFileOptions {
  readonly path: string;
  readonly tables: KeptTables;
  readonly quick: QuickReads;
}

/**
 * A volume's bytes in a file that is whole. Every block is held against its checksum on every read: what a read returns
 * without throwing is what was written. Close it when it is not to be read any more; reads under way still end.
 */
export class PoolFile {
  readonly path: string;
  readonly facts: PoolFileFacts;
  /** What it takes of the disk. */
  readonly storedBytes: number;
  readonly #fd: number;
  readonly #layout: PoolFileLayout;
  readonly #tables: KeptTables;
  readonly #quick: QuickReads;
  /** Reads under way; the descriptor is open until they have ended. */
  #reading = 0;
  #isClosed = false;

  private constructor(fd: number, facts: PoolFileFacts, { path, tables, quick }: PoolFileOptions) {
    this.path = path;
    this.facts = facts;
    this.storedBytes = storedBytesOf(fd);
    this.#fd = fd;
    this.#layout = layOut(facts.sizeBytes, facts.spans.filter((span) => span !== undefined).length);
    this.#tables = tables;
    this.#quick = quick;
  }

  /** Throws PoolFileDamaged for a file that is not whole, and what the system says of one that can't be read. */
  static open(options: PoolFileOptions): PoolFile {
    const fd = openSync(options.path, 'r');
    try {
      return new PoolFile(fd, readFacts(fd, options.path), options);
    } catch (error) {
      close(fd, ignore);
      throw error;
    }
  }

  /**
   * Fills `target` from `offset`. The range lies within the volume.
   *
   * @throws PoolFileDamaged, what the system says; the target may then hold anything.
   */
  async readAt(target: Uint8Array, offset: number): Promise<void> {
    if (this.#isClosed) throw new Error(`${this.path} is closed`);
    this.#reading += 1;
    try {
      const end = offset + target.byteLength;
      if (end <= this.#pieceEnd(offset)) return await this.#readPiece(target, offset);
      const reads: Promise<void>[] = [];
      for (let at = offset; at < end; ) {
        const stop = Math.min(end, this.#pieceEnd(at));
        reads.push(this.#readPiece(target.subarray(at - offset, stop - offset), at));
        at = stop;
      }
      // Whoever gave the target may use it again when this returns: nothing may still be writing to it.
      for (const result of await Promise.allSettled(reads)) if (result.status === 'rejected') throw result.reason;
    } finally {
      this.#reading -= 1;
      this.#closeIfUnread();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeIfUnread();
  }

  #closeIfUnread(): void {
    if (this.#isClosed && this.#reading === 0) close(this.#fd, ignore);
  }

  #pieceEnd(offset: number): number {
    return (Math.floor(offset / pieceBytes) + 1) * pieceBytes;
  }

  async #readPiece(target: Uint8Array, offset: number): Promise<void> {
    const span = Math.floor(offset / spanBytes);
    if (this.facts.spans[span] === undefined) {
      target.fill(0);
      return;
    }
    const table = this.#tables.get(`${this.path} ${span}`) ?? (await this.#readTable(span));
    const start = Math.floor(offset / blockBytes) * blockBytes;
    const skipped = offset - start;
    const length = roundUp(skipped + target.byteLength);
    const isDirect = length === target.byteLength;
    const blocks = isDirect ? target : Buffer.allocUnsafe(length);
    await this.#readFully(blocks, start);
    for (let at = 0; at < length; at += blockBytes) {
      const block = isDirect && length === blockBytes ? blocks : blocks.subarray(at, at + blockBytes);
      if (checksumOf(block) !== table[((start + at) % spanBytes) / blockBytes]) {
        throw new PoolFileDamaged(this.path, `its block at ${start + at} is damaged`);
      }
    }
    if (!isDirect) copyBytes(blocks.subarray(skipped, skipped + target.byteLength), target);
  }

  async #readTable(span: number): Promise<Uint32Array> {
    const place = this.facts.spans[span];
    const bytes = Buffer.allocUnsafe(tableBytes);
    await this.#readFully(bytes, this.#layout.tablesAt + (place?.number ?? 0) * tableBytes);
    if (checksumOf(bytes) !== place?.checksum) {
      throw new PoolFileDamaged(this.path, `its checksums of span ${span} are damaged`);
    }
    const table = decodeTable(bytes);
    this.#tables.set(`${this.path} ${span}`, table);
    return table;
  }

  async #readFully(bytes: Uint8Array, position: number): Promise<void> {
    const isQuick = bytes.byteLength <= quickBytes;
    for (let done = 0; done < bytes.byteLength; ) {
      const left = bytes.byteLength - done;
      const count =
        isQuick && this.#quick.mayRead()
          ? this.#quick.time(() => readSync(this.#fd, bytes, done, left, position + done))
          : await readOnThread(this.#fd, bytes, done, left, position + done);
      if (count === 0) throw new PoolFileDamaged(this.path, `it ends before ${position + bytes.byteLength}`);
      done += count;
    }
  }
}

/** Nothing was written. */
function ignore(): void {}

function readOnThread(fd: number, bytes: Uint8Array, at: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, bytes, at, length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** Small, and read once: at the start, and when the file was just written. */
function readFacts(fd: number, path: string): PoolFileFacts {
  const fileBytes = fstatSync(fd).size;
  const trailer = Buffer.alloc(blockBytes);
  if (fileBytes < blockBytes || readSync(fd, trailer, 0, blockBytes, fileBytes - blockBytes) !== blockBytes) {
    throw new PoolFileDamaged(path, 'it has no trailer');
  }
  const said = decodeTrailer(trailer);
  if (said === undefined) throw new PoolFileDamaged(path, 'its trailer is damaged');
  const layout = layOut(said.sizeBytes, said.tables);
  // Before anything is allocated by what it says: the directory is a small part of a file that is as long as this.
  if (layout.fileBytes !== fileBytes) throw new PoolFileDamaged(path, `it has ${fileBytes} bytes, not as it says`);
  const directory = Buffer.alloc(layout.directoryBytes);
  const isRead = readSync(fd, directory, 0, directory.length, layout.directoryAt) === directory.length;
  const spans = isRead ? decodeDirectory(directory, said) : undefined;
  if (spans === undefined) throw new PoolFileDamaged(path, 'its directory is damaged');
  return { sizeBytes: said.sizeBytes, contentId: said.contentId, spans };
}

/** A sparse file takes less than its length. */
function storedBytesOf(fd: number): number {
  return fstatSync(fd).blocks * 512;
}
