import type { BlobStore } from '../blobs/blob-store.ts';
import type { Database } from '../db/database.ts';
import type { ThreadPool } from '../threads/thread-pool.ts';
import { createThreadPool } from '../threads/thread-pool.ts';
import type { StoreLeases } from './pack-rows.ts';
import type { StoreTasks } from './store-tasks.ts';

/** Where the store says what a person should look at. */
export interface StoreLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** What the store has done since the start; whoever does it adds to it. */
export interface StoreCounts {
  /** Plain bytes of chunks that imports brought and the store did not have, and of those that it had. */
  newBytes: number;
  knownBytes: number;
  /** What the new ones took, encoded. */
  encodedBytes: number;
  /** Stored chunks that did not read back as what they were. */
  corruptChunks: number;
}

/** What every part of the content store works with. */
export interface Store {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly threads: ThreadPool<StoreTasks>;
  readonly leases: StoreLeases;
  readonly log: StoreLog;
  /** Undefined where nobody counts. */
  readonly counts?: StoreCounts;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The threads that inflate, cut, hash and compress. Dispose them last but for the database and the blobs. */
export function createStoreThreads(threads: number): ThreadPool<StoreTasks> {
  return createThreadPool<StoreTasks>({ module: new URL('./store-thread.ts', import.meta.url), threads });
}
