import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { IndexEntries } from './index-entries.ts';
import {
  blockBytes,
  checksumOf,
  decodeFileHeader,
  decodeIndex,
  decodeTrailer,
  encodeBatchHeader,
  encodeFileHeader,
  encodeIndex,
  encodeTrailer,
  indexBlocks,
  indexEntriesMax,
  type NewBatch,
  type Trailer,
} from './log-format.ts';
import type { OpenHandles } from './open-handles.ts';
import { OverlayDamaged, SyncFailed } from './overlay-failed.ts';

/** What finds a log file, and what all of an overlay's have in common. */
export interface LogFilePlace {
  readonly directory: string;
  readonly overlayId: string;
  readonly handles: OpenHandles;
}

export function logFileName(fileNumber: number): string {
  return `${String(fileNumber).padStart(8, '0')}.log`;
}

/**
 * One log file: written from front to back by one writer at a time, then sealed with its index, and read all the while.
 *
 * What is in it counts only up to `endBlock`: behind that may be what a failed write has left, and the next batch is
 * written over it.
 */
export class LogFile {
  readonly number: number;
  readonly path: string;
  readonly salt: Buffer;
  readonly #handles: OpenHandles;
  /** Where the next batch goes, in blocks; once sealed, the file's length. */
  endBlock: number;
  /** What a seal will write; undefined once it has. */
  entries: IndexEntries | undefined;
  lastSequence = 0;
  /** Something was written that no fsync has made durable. */
  isUnsynced = false;
  /** Blocks of data that were written to it, those of them that are in use, and entries that its index has. */
  dataBlocks = 0;
  liveBlocks = 0;
  indexEntries = 0;
  #synced: Promise<void> = Promise.resolve();
  /** Which of the places in memory are this file's. */
  slot = 0;

  constructor(place: LogFilePlace, fileNumber: number, salt: Buffer) {
    this.number = fileNumber;
    this.path = join(place.directory, logFileName(fileNumber));
    this.salt = salt;
    this.#handles = place.handles;
    this.endBlock = 1;
    this.entries = new IndexEntries();
  }

  /** Makes the file, with nothing but its header, which is durable when this returns; its name is not. */
  static async create(place: LogFilePlace, fileNumber: number): Promise<LogFile> {
    const file = new LogFile(place, fileNumber, randomBytes(8));
    const handle = await open(file.path, 'wx+');
    place.handles.hold(file.path, handle); // closed before its fsync, it could take the news of a failed write with it
    try {
      const { overlayId } = place;
      await writeAll(handle, [encodeFileHeader({ fileNumber, overlayId, salt: file.salt })], 0);
      await handle.sync();
    } catch (error) {
      await file.remove().catch(() => {}); // nothing knows of it, and the next start removes what nothing knows of
      throw error;
    }
    return file;
  }

  /** Opens a file that must be there, and checks that it is the one it is taken for. */
  static async open(place: LogFilePlace, fileNumber: number): Promise<LogFile> {
    const path = join(place.directory, logFileName(fileNumber));
    let handle: FileHandle;
    try {
      handle = await open(path, 'r+');
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (isMissing) throw new OverlayDamaged(path, 'is missing');
      throw error;
    }
    place.handles.hold(path, handle);
    const bytes = Buffer.alloc(blockBytes);
    const { bytesRead } = await handle.read(bytes, 0, blockBytes, 0);
    const header = decodeFileHeader(bytes.subarray(0, bytesRead));
    if (typeof header === 'string') throw new OverlayDamaged(path, header);
    if (header.overlayId !== place.overlayId) throw new OverlayDamaged(path, 'is of another overlay');
    if (header.fileNumber !== fileNumber) throw new OverlayDamaged(path, `says that it is file ${header.fileNumber}`);
    return new LogFile(place, fileNumber, header.salt);
  }

  get isSealed(): boolean {
    return this.entries === undefined;
  }

  async sizeBytes(): Promise<number> {
    await using use = await this.#handles.use(this.path);
    const { size } = await use.handle.stat();
    return size;
  }

  /**
   * Writes a batch behind the last one. When it fails, nothing was written that counts.
   * @param header memory for the batch's header, which may be used again afterwards
   * @returns the block of the file at which the data begins
   */
  async append(header: Buffer, batch: Omit<NewBatch, 'salt'>): Promise<number> {
    const { entries } = this;
    if (entries === undefined) throw new Error(`${this.path} is sealed`);
    const pieces = [encodeBatchHeader(header, { ...batch, salt: this.salt }), ...batch.data.map(({ bytes }) => bytes)];
    await this.#write(pieces);
    const dataBlock = this.endBlock + 1;
    let place = dataBlock;
    for (const run of batch.data) {
      for (const [index, checksum] of run.checksums.entries()) {
        entries.addData(run.block + index, place, checksum);
        place += 1;
      }
    }
    for (const { block, count } of batch.zeros) entries.addZeros(block, count);
    this.dataBlocks += place - dataBlock;
    this.indexEntries = entries.count;
    this.endBlock = place;
    this.lastSequence = batch.sequence;
    return dataBlock;
  }

  /** Fills `target` from a block of the file on. */
  async read(target: Uint8Array, block: number): Promise<void> {
    await using use = await this.#handles.use(this.path);
    let done = 0;
    while (done < target.byteLength) {
      const { bytesRead } = await use.handle.read(target, done, target.byteLength - done, block * blockBytes + done);
      if (bytesRead === 0)
        throw new OverlayDamaged(this.path, `ends before block ${block + target.byteLength / blockBytes}`);
      done += bytesRead;
    }
  }

  /** Makes what was written durable, or throws `SyncFailed`, also to whoever waits for a sync that began earlier. */
  sync(): Promise<void> {
    if (this.isUnsynced) {
      this.isUnsynced = false; // what is written from now on is for the next one
      this.#synced = Promise.all([this.#synced, this.#sync()]).then(() => {});
    }
    return this.#synced;
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    await using use = await this.#handles.use(this.path);
    try {
      await writeAll(use.handle, pieces, this.endBlock * blockBytes);
    } finally {
      // Only now: a sync that ran beside the write has not seen all of it. Also when it failed, some of it may be there.
      this.isUnsynced = true;
    }
  }

  async #sync(): Promise<void> {
    try {
      await using use = await this.#handles.use(this.path);
      await use.handle.datasync();
    } catch (error) {
      throw new SyncFailed(this.path, error);
    }
  }

  /** Takes away what is behind the last batch that counts, durably. */
  async truncate(): Promise<void> {
    await using use = await this.#handles.use(this.path);
    await use.handle.truncate(this.endBlock * blockBytes);
    this.isUnsynced = true; // by an earlier process, it may be
    await this.sync();
  }

  /** Writes the index behind the batches, durably. Nothing may be appended any more. */
  async seal(): Promise<void> {
    if (this.entries === undefined) return;
    const bytes = encodeIndex(this.entries.numbers);
    const trailer: Trailer = {
      indexBlock: this.endBlock,
      indexEntries: this.entries.count,
      indexChecksum: checksumOf(bytes),
      lastSequence: this.lastSequence,
    };
    await this.#write([bytes, encodeTrailer(this.salt, trailer)]);
    await this.sync();
    this.markSealed(this.endBlock + indexBlocks(trailer.indexEntries) + 1);
  }

  /** To be called when the index is durable, with the length of the file in blocks. */
  markSealed(blocks: number): void {
    if (this.entries === undefined) return;
    this.endBlock = blocks;
    this.entries = undefined;
    this.#handles.release(this.path);
  }

  /** The index of a sealed file, or undefined when there is none in its place. */
  async readIndex(): Promise<{ readonly trailer: Trailer; readonly numbers: Uint32Array<ArrayBuffer> } | undefined> {
    const blocks = (await this.sizeBytes()) / blockBytes;
    if (!Number.isInteger(blocks) || blocks < 2) return undefined;
    const last = Buffer.alloc(blockBytes);
    await this.read(last, blocks - 1);
    const trailer = decodeTrailer(last, this.salt);
    if (trailer === undefined || trailer.indexEntries > indexEntriesMax) return undefined;
    const length = indexBlocks(trailer.indexEntries);
    if (trailer.indexBlock < 1 || trailer.indexBlock + length + 1 !== blocks) return undefined;
    const bytes = Buffer.alloc(length * blockBytes);
    await this.read(bytes, trailer.indexBlock);
    if (checksumOf(bytes) !== trailer.indexChecksum) return undefined;
    return { trailer, numbers: decodeIndex(bytes, trailer.indexEntries) };
  }

  /** Nobody may be reading it. */
  async remove(): Promise<void> {
    await this.#handles.close(this.path);
    await rm(this.path, { force: true });
  }
}

/** Writes all of the pieces, one after the other, or throws. */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], offset: number): Promise<void> {
  let { bytesWritten: written } = await handle.writev([...pieces], offset);
  let start = 0;
  for (const piece of pieces) {
    // A short write is legal; the next one says why.
    while (written < start + piece.byteLength) {
      const from = written - start;
      const { bytesWritten } = await handle.write(piece, from, piece.byteLength - from, offset + written);
      written += bytesWritten;
    }
    start += piece.byteLength;
  }
}
