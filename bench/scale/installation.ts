import { availableParallelism } from 'node:os';
import { openLocalBlobs } from '../../src/blobs/local.ts';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/open-database.ts';
import { describeDataDirectory } from '../../src/installation/data-directory.ts';
import { createStoreThreads, type Store } from '../../src/volumes/store.ts';
import { type Obraz, startObraz } from '../../test/fixtures/obraz.ts';

/** One installation, on either database. It is served, or it is open here, never both at once. */
export interface Installation {
  readonly dataDirectory: string;
  /** Undefined for SQLite in the data directory. */
  readonly databaseUrl: string | undefined;
}

export function serve({ dataDirectory, databaseUrl }: Installation): Promise<Obraz> {
  const env = databaseUrl === undefined ? {} : { OBRAZ_DATABASE_URL: databaseUrl };
  return startObraz({ dataDirectory, env, flags: ['--log-level', 'warn'] });
}

export function openMetadata({ dataDirectory, databaseUrl }: Installation): Promise<Database> {
  return openDatabase({ url: databaseUrl, path: describeDataDirectory(dataDirectory).database });
}

/** The content store as the service has it, but that every lease holds. */
export async function openStore(installation: Installation): Promise<Store & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const db = opening.use(await openMetadata(installation));
  const blobs = opening.use(await openLocalBlobs(describeDataDirectory(installation.dataDirectory).packs));
  const threads = opening.use(createStoreThreads(availableParallelism()));
  const leases = { assertHeld: async () => {}, isHeld: async () => true };
  const log = { info() {}, warn() {}, error() {} };
  const owned = opening.move();
  return { db, blobs, threads, leases, log, now: Date.now, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
