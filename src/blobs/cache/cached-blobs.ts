import { abortReason } from '../../lib/abort-reason.ts';
import { MemoryBudget } from '../../lib/memory-budget.ts';
import { BlobFailed } from '../blob-failed.ts';
import { type BlobInfo, type BlobReadOptions, type BlobStore, type BlobWriter, checkBlobName } from '../blob-store.ts';
import type { RemoteBlobs } from '../remote-blobs.ts';
import type { BlockCache } from './block-cache.ts';
import { blockBytes } from './block-table.ts';

/** Blocks that are fetched by one request: 4 MiB. */
const blocksPerFetch = 8;
/** And for who seems to read in order: what comes before a block that is missing was read, or is on its way. */
const blocksAhead = 4;
/** What waits to be written into the cache; what comes on top is given to its readers only. */
const writingBytes = 32 * 1024 * 1024;

/** What was found in the cache and what had to be fetched, in blocks, since the start. */
export interface CacheFigures {
  readonly hits: number;
  readonly misses: number;
  readonly corrupt: number;
  readonly bytes: number;
}

/**
 * Blobs that are kept elsewhere, with a copy of what was read lately on this machine. What many readers want at once is
 * fetched once. What is written is not kept: it is read back from where it is.
 */
export class CachedBlobs implements BlobStore {
  readonly #remote: RemoteBlobs;
  readonly #cache: BlockCache;
  /** Blocks that are being fetched, or written into the cache. */
  readonly #fetching = new Map<string, Promise<Uint8Array>>();
  readonly #writes = new Set<Promise<void>>();
  readonly #writing = new MemoryBudget(writingBytes);
  readonly #closed = new AbortController();
  #hits = 0;
  #misses = 0;

  /** Both are disposed with it. */
  constructor(remote: RemoteBlobs, cache: BlockCache) {
    this.#remote = remote;
    this.#cache = cache;
  }

  figures(): CacheFigures {
    return { hits: this.#hits, misses: this.#misses, ...this.#cache.figures() };
  }

  async read(
    name: string,
    offset: number,
    length: number,
    options: BlobReadOptions = {},
  ): Promise<Uint8Array<SharedArrayBuffer>> {
    checkBlobName(name);
    const { into, signal, fresh } = options;
    if (fresh) {
      const bytes = await this.#remote.read(name, offset, length, options);
      await this.#forgetUnlessSame(name, offset, bytes);
      return bytes;
    }
    const bytes = into ?? new Uint8Array(new SharedArrayBuffer(length));
    const parts = partsOf(offset, bytes);
    const isThere = await Promise.all(
      parts.map(({ block, start, target }) => this.#cache.read(name, block, start, target)),
    );
    const missing = parts.filter((_, index) => !isThere[index]);
    this.#hits += parts.length - missing.length;
    this.#misses += missing.length;
    if (missing.length === 0) return bytes;
    this.#fetch(name, missing);
    await Promise.all(missing.map((part) => this.#take(name, part, signal)));
    return bytes;
  }

  create(name: string): Promise<BlobWriter> {
    return this.#remote.create(name);
  }

  stat(name: string): Promise<BlobInfo | undefined> {
    return this.#remote.stat(name);
  }

  list(): AsyncIterable<BlobInfo> {
    return this.#remote.list();
  }

  listUnsealed(): AsyncIterable<string> {
    return this.#remote.listUnsealed();
  }

  async delete(name: string): Promise<void> {
    checkBlobName(name);
    this.#cache.forget(name);
    await this.#remote.delete(name);
    // A read that was under way may have brought some of it back.
    this.#cache.forget(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error('the store is closed'));
    await Promise.allSettled([...this.#fetching.values(), ...this.#writes]);
    await this.#cache[Symbol.asyncDispose]();
    await this.#remote[Symbol.asyncDispose]();
  }

  /** Waits for a block on its way and takes a part of it; others may go on waiting when this reader gives up. */
  async #take(name: string, { block, start, target }: Part, signal: AbortSignal | undefined): Promise<void> {
    const fetching = this.#fetching.get(keyOf(name, block));
    if (fetching === undefined) throw new Error(`block ${block} of ${name} is not being fetched`);
    const bytes = await unlessAborted(fetching, signal);
    if (bytes.byteLength < start + target.byteLength) {
      const offset = block * blockBytes + start;
      throw new BlobFailed('short', name, `${target.byteLength} bytes at ${offset} wanted, it ends before`);
    }
    target.set(bytes.subarray(start, start + target.byteLength));
  }

  /** Begins to fetch what nobody fetches yet, neighbours together. */
  #fetch(name: string, parts: readonly Part[]): void {
    const blocks = parts.map(({ block }) => block).filter((block) => !this.#fetching.has(keyOf(name, block)));
    for (let next = 0; next < blocks.length; ) {
      const first = blocks[next] ?? 0;
      let count = 1;
      while (count < blocksPerFetch && blocks[next + count] === first + count) count += 1;
      next += count;
      // What lies between two that are missing is known, so that this never runs into the next one.
      if (this.#isKnown(name, first - 1)) {
        while (count < blocksAhead && !this.#isKnown(name, first + count)) count += 1;
      }
      const memory = new Uint8Array(count * blockBytes);
      const { signal } = this.#closed;
      const fetched = this.#remote.readUpTo(name, first * blockBytes, memory, { signal });
      for (let index = 0; index < count; index += 1) {
        const key = keyOf(name, first + index);
        const start = index * blockBytes;
        const block = fetched.then((length) =>
          memory.subarray(Math.min(start, length), Math.min(start + blockBytes, length)),
        );
        this.#fetching.set(key, block);
        block
          .then((bytes) => this.#write(name, first + index, bytes))
          .catch(() => {}) // its readers are told
          .finally(() => this.#fetching.delete(key));
      }
    }
  }

  #isKnown(name: string, block: number): boolean {
    return this.#fetching.has(keyOf(name, block)) || this.#cache.has(name, block);
  }

  /** Keeps a block for later; no reader waits for it. */
  async #write(name: string, block: number, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength > this.#writing.freeBytes || this.#closed.signal.aborted) return;
    const write = this.#writing.reserve(bytes.byteLength).then(async (reservation) => {
      using _reserved = reservation;
      await this.#cache.write(name, block, bytes);
    });
    this.#writes.add(write);
    await write.finally(() => this.#writes.delete(write));
  }

  /** What was read from the store itself tells whether the copies of it are good. */
  async #forgetUnlessSame(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    for (const { block, start, target } of partsOf(offset, bytes)) {
      const copy = new Uint8Array(target.byteLength);
      const isKept = await this.#cache.read(name, block, start, copy);
      if (isKept && Buffer.compare(copy, target) !== 0) this.#cache.forget(name, block);
    }
  }
}

/** A part of a read that lies in one block. */
interface Part {
  readonly block: number;
  /** Within the block. */
  readonly start: number;
  readonly target: Uint8Array;
}

function partsOf(offset: number, bytes: Uint8Array): Part[] {
  const parts: Part[] = [];
  for (let done = 0; done < bytes.byteLength; ) {
    const start = (offset + done) % blockBytes;
    const target = bytes.subarray(done, done + blockBytes - start);
    parts.push({ block: (offset + done - start) / blockBytes, start, target });
    done += target.byteLength;
  }
  return parts;
}

function keyOf(name: string, block: number): string {
  return `${name}/${block}`;
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(abortReason(signal));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
