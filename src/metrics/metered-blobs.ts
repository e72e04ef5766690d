import type { BlobStore } from '../blobs/blob-store.ts';
import { Histogram } from '../lib/histogram.ts';

/** Seconds: what the system has in memory takes 50 µs, a request to a bucket 10 ms and more. */
const bounds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15];

export type BlobWork = 'read' | 'append' | 'seal' | 'delete';

/** What was done with blobs since the start, by what it was. */
export interface BlobFigures {
  readonly work: BlobWork;
  readonly seconds: Histogram;
  /** Read or written. */
  readonly bytes: number;
  readonly failed: number;
}

/** The blobs, and what is done with them. */
export interface MeteredBlobs {
  readonly blobs: BlobStore;
  figures(): readonly BlobFigures[];
}

class Counted implements BlobFigures {
  readonly work: BlobWork;
  readonly seconds = new Histogram(bounds);
  bytes = 0;
  failed = 0;

  constructor(work: BlobWork) {
    this.work = work;
  }

  async time<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const begunAt = performance.now();
    try {
      const result = await work();
      this.bytes += bytes;
      return result;
    } catch (error) {
      this.failed += 1;
      throw error;
    } finally {
      this.seconds.add((performance.now() - begunAt) / 1000);
    }
  }
}

/** Counts and times what is done with blobs, wherever they are. Disposing the result disposes the blobs. */
export function meterBlobs(store: BlobStore): MeteredBlobs {
  const read = new Counted('read');
  const append = new Counted('append');
  const seal = new Counted('seal');
  const remove = new Counted('delete');
  return {
    blobs: {
      async create(name) {
        const writer = await store.create(name);
        return {
          get sizeBytes() {
            return writer.sizeBytes;
          },
          append(pieces) {
            const bytes = pieces.reduce((total, piece) => total + piece.byteLength, 0);
            return append.time(bytes, () => writer.append(pieces));
          },
          seal: () => seal.time(0, () => writer.seal()),
          [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
        };
      },
      read: (name, offset, length, options) => read.time(length, () => store.read(name, offset, length, options)),
      stat: (name) => store.stat(name),
      list: () => store.list(),
      listUnsealed: () => store.listUnsealed(),
      delete: (name) => remove.time(0, () => store.delete(name)),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    },
    figures: () => [read, append, seal, remove],
  };
}
