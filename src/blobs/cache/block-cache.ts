import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  type BlockEntry,
  blockBytes,
  decodeEntry,
  describeBlock,
  encodeEntry,
  entryBytes,
  unitBytes,
} from './block-table.ts';

/** A block that is kept, and where. */
interface Kept {
  readonly slot: number;
  readonly entry: BlockEntry;
  /** Reads of it under way: its slot is nobody else's while there are any. */
  readers: number;
}

export interface BlockCacheOptions {
  readonly directory: string;
  readonly limitBytes: number;
  /** The disk under it failed: what it has is not used, and nothing is lost. */
  readonly onError: (error: unknown) => void;
}

/** Slots whose entries are read at once when it is opened. */
const tableSlots = 8 * 1024;
/** Spare memory for reads: as many as are likely at once. */
const spareBuffers = 16;

/**
 * Blocks of blobs in a local file, the least recently used going first:
 *
 *     blocks   slots of `blockBytes`, one block each
 *     table    an entry for each slot: block-table.ts
 *
 * Nothing of it is ever synced, and a slot may be cut off in the middle of being written over: every read is held against
 * the entry's CRC-32, and what does not match is forgotten. A process that begins takes over what it finds.
 */
export class BlockCache implements AsyncDisposable {
  readonly #blocks: FileHandle;
  readonly #table: FileHandle;
  readonly #slots: number;
  readonly #onError: (error: unknown) => void;
  /** By blob and block, the least recently used first. */
  readonly #kept = new Map<string, Kept>();
  readonly #blocksOf = new Map<string, Set<number>>();
  readonly #free: number[] = [];
  readonly #spare: Buffer[] = [];
  /** Slots below it have been used. */
  #usedSlots = 0;
  #corrupt = 0;

  private constructor(blocks: FileHandle, table: FileHandle, slots: number, onError: (error: unknown) => void) {
    this.#blocks = blocks;
    this.#table = table;
    this.#slots = slots;
    this.#onError = onError;
  }

  static async open({ directory, limitBytes, onError }: BlockCacheOptions): Promise<BlockCache> {
    await using opening = new AsyncDisposableStack();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const slots = Math.floor(limitBytes / (blockBytes + entryBytes));
    const flags = constants.O_RDWR | constants.O_CREAT;
    const blocks = opening.use(await open(join(directory, 'blocks'), flags, 0o600));
    const table = opening.use(await open(join(directory, 'table'), flags, 0o600));
    const cache = new BlockCache(blocks, table, slots, onError);
    await cache.#load();
    opening.move();
    return cache;
  }

  /** Bytes of blobs that it keeps; blocks that were found damaged since it was opened. */
  figures(): { readonly bytes: number; readonly corrupt: number } {
    return { bytes: this.#kept.size * blockBytes, corrupt: this.#corrupt };
  }

  has(blobName: string, block: number): boolean {
    return this.#kept.has(keyOf(blobName, block));
  }

  /**
   * Fills `target` from `offset` of the block. Returns whether it could: not when it does not have these bytes, or has
   * others by now.
   */
  async read(blobName: string, block: number, offset: number, target: Uint8Array): Promise<boolean> {
    const key = keyOf(blobName, block);
    const kept = this.#kept.get(key);
    if (kept === undefined || offset + target.byteLength > kept.entry.length) return false;
    this.#kept.delete(key);
    this.#kept.set(key, kept); // last in the map: most recently used
    kept.readers += 1;
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
    try {
      if (await this.#readVerified(kept, offset, target, memory)) return true;
      this.#corrupt += 1;
    } catch (error) {
      this.#onError(error);
    } finally {
      kept.readers -= 1;
      if (this.#spare.length < spareBuffers) this.#spare.push(memory);
      // Others may be reading it, too, and the first of them may have forgotten it already.
      if (kept.readers === 0 && this.#kept.get(key) !== kept) this.#free.push(kept.slot);
    }
    this.#forget(key, kept);
    return false;
  }

  /** Keeps a block, unless it has it. The bytes must not change before it returns. Never throws. */
  async write(blobName: string, block: number, bytes: Uint8Array): Promise<void> {
    const key = keyOf(blobName, block);
    if (this.#kept.has(key) || bytes.byteLength === 0 || bytes.byteLength > blockBytes) return;
    const slot = this.#takeSlot();
    if (slot === undefined) return;
    try {
      const entry = describeBlock(blobName, block, bytes);
      await this.#blocks.write(bytes, 0, bytes.byteLength, slot * blockBytes);
      await this.#table.write(encodeEntry(entry), 0, entryBytes, slot * entryBytes);
      if (this.#kept.has(key)) this.#free.push(slot);
      else this.#keep(key, { slot, entry, readers: 0 });
    } catch (error) {
      this.#free.push(slot);
      this.#onError(error);
    }
  }

  /** What it has of a blob, or of one block, is not given out again. */
  forget(blobName: string, block?: number): void {
    const blocks = block === undefined ? [...(this.#blocksOf.get(blobName) ?? [])] : [block];
    for (const each of blocks) {
      const key = keyOf(blobName, each);
      const kept = this.#kept.get(key);
      if (kept !== undefined) this.#forget(key, kept);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blocks.close();
    await this.#table.close();
  }

  /** Takes over what an earlier process has left, but for what is beyond the limit by now. */
  async #load(): Promise<void> {
    await this.#table.truncate(Math.min((await this.#table.stat()).size, this.#slots * entryBytes));
    await this.#blocks.truncate(Math.min((await this.#blocks.stat()).size, this.#slots * blockBytes));
    const some = Buffer.alloc(tableSlots * entryBytes);
    for (;;) {
      const { bytesRead } = await this.#table.read(some, 0, some.byteLength, this.#usedSlots * entryBytes);
      if (bytesRead < entryBytes) return;
      for (let offset = 0; offset + entryBytes <= bytesRead; offset += entryBytes) {
        const slot = this.#usedSlots;
        this.#usedSlots += 1;
        const entry = decodeEntry(some.subarray(offset, offset + entryBytes));
        const key = entry && keyOf(entry.blobName, entry.block);
        if (entry === undefined || key === undefined || this.#kept.has(key)) this.#free.push(slot);
        else this.#keep(key, { slot, entry, readers: 0 });
      }
    }
  }

  async #readVerified({ slot, entry }: Kept, offset: number, target: Uint8Array, memory: Buffer): Promise<boolean> {
    const first = Math.floor(offset / unitBytes);
    const start = first * unitBytes;
    const end = Math.min(Math.ceil((offset + target.byteLength) / unitBytes) * unitBytes, entry.length);
    const { bytesRead } = await this.#blocks.read(memory, 0, end - start, slot * blockBytes + start);
    if (bytesRead !== end - start) return false;
    const read = memory.subarray(0, bytesRead);
    for (let unit = first; unit * unitBytes < end; unit += 1) {
      const at = unit * unitBytes - start;
      if (crc32(read.subarray(at, at + unitBytes)) !== entry.unitCrcs[unit]) return false;
    }
    target.set(read.subarray(offset - start, offset - start + target.byteLength));
    return true;
  }

  /** A slot that nobody uses, the least recently used one's where all are used; undefined when all are being read. */
  #takeSlot(): number | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#usedSlots < this.#slots) {
      this.#usedSlots += 1;
      return this.#usedSlots - 1;
    }
    for (const [key, kept] of this.#kept) {
      if (kept.readers > 0) continue;
      this.#forget(key, kept);
      return this.#free.pop();
    }
    return undefined;
  }

  #keep(key: string, kept: Kept): void {
    const { blobName, block } = kept.entry;
    this.#kept.set(key, kept);
    const blocks = this.#blocksOf.get(blobName) ?? new Set();
    this.#blocksOf.set(blobName, blocks.add(block));
  }

  #forget(key: string, kept: Kept): void {
    if (this.#kept.get(key) !== kept) return;
    const { blobName, block } = kept.entry;
    this.#kept.delete(key);
    const blocks = this.#blocksOf.get(blobName);
    blocks?.delete(block);
    if (blocks?.size === 0) this.#blocksOf.delete(blobName);
    // Its entry stays in the table: after a kill it is as good as it was, or written over.
    if (kept.readers === 0) this.#free.push(kept.slot);
  }
}

function keyOf(blobName: string, block: number): string {
  return `${blobName}/${block}`;
}
