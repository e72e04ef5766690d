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

/** What every part of the content store works with. */
export interface Store {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly threads: ThreadPool<StoreTasks>;
  readonly leases: StoreLeases;
  readonly log: StoreLog;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The threads that inflate, cut, hash and compress. Dispose them last but for the database and the blobs. */
export function createStoreThreads(threads: number): ThreadPool<StoreTasks> {
  return createThreadPool<StoreTasks>({ module: new URL('./store-thread.ts', import.meta.url), threads });
}
