import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Database, Transaction } from '../db/database.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { InstallationBroken } from './installation-broken.ts';

const settingName = 'installation_id';

/** A store outside the data directory, which keeps the id of the installation that it belongs to. */
export interface OwnedStore {
  /** For messages. */
  readonly description: string;
  /** Which store it is, by whatever name its server is reached. */
  readonly place: string;
  read(): Promise<string | undefined>;
  write(installationId: string): Promise<void>;
}

/**
 * Sees to it that the metadata and the data directory belong to each other, by an id that both keep. With a database
 * elsewhere it is one wrong word in a URL to bring two strangers together, and then each takes the other's packs for
 * missing or for garbage. Metadata that is new (or was rebuilt) takes the directory's id. So does the store, where it is
 * not in the directory; one that is all that was left gives its own. Where metadata and store are both elsewhere, a new
 * directory takes theirs: it is one of several processes'.
 *
 * @throws InstallationBroken when they don't
 */
export async function assertSameInstallation(db: Database, path: string, store?: OwnedStore): Promise<void> {
  const ofStore = await store?.read();
  const id = await settle(db, path, store, ofStore);
  if (store === undefined) return;
  if (ofStore !== undefined) assertOwned(store, ofStore, id);
  else {
    await assertFirstStore(db, store);
    await store.write(id);
  }
}

/**
 * A store that is somebody's belongs to this data directory. For what works without metadata.
 *
 * @throws InstallationBroken when it does not
 */
export async function assertSameDirectory(path: string, store: OwnedStore): Promise<void> {
  const ofDirectory = (await readFileIfThere(path))?.trim();
  const ofStore = await store.read();
  if (ofDirectory !== undefined && ofStore !== undefined) assertOwned(store, ofStore, ofDirectory);
}

function assertOwned(store: OwnedStore, ofStore: string, id: string): void {
  if (ofStore === id) return;
  throw new InstallationBroken(
    `${store.description} belongs to another installation. Start with the one that it was first used with, or give a prefix of its own (OBRAZ_BLOBS=s3://BUCKET/PREFIX).`,
  );
}

/**
 * A store that is nobody's is the first that the metadata ever had. Of processes that begin at the same moment one may have
 * a wrong word in its settings: each would else make its own store this installation's.
 */
async function assertFirstStore(db: Database, store: OwnedStore): Promise<void> {
  const first = await db.transact((tx) => insertSetting(tx, 'first_store', store.place));
  if (first === store.place) return;
  throw new InstallationBroken(
    `the packs of this installation are in ${first}, and ${store.description} has nothing of it: say which, as before, with OBRAZ_BLOBS.`,
  );
}

/** The id that metadata and directory have in common. */
async function settle(
  db: Database,
  path: string,
  store: OwnedStore | undefined,
  ofStore: string | undefined,
): Promise<string> {
  const ofDirectory = (await readFileIfThere(path))?.trim();
  const ofMetadata = await findId(db);
  if (ofMetadata === undefined) {
    const mine = ofDirectory ?? ofStore ?? randomUUID();
    // The file first: cut off between the two, the next start takes it from there. With a store elsewhere the directory may
    // be one of several that begin at this moment; one without an id can join then.
    const isOnlyOne = db.dialect === 'sqlite' || store === undefined;
    if (ofDirectory === undefined && isOnlyOne) await writeFileDurably(path, `${mine}\n`, 0o600);
    const id = await db.transact((tx) => insertSetting(tx, settingName, mine));
    if (id === mine) {
      if (ofDirectory === undefined && !isOnlyOne) await writeFileDurably(path, `${mine}\n`, 0o600);
      return id;
    }
    if (ofDirectory === undefined && isOnlyOne) await rm(path);
    return settle(db, path, store, await store?.read());
  }
  if (ofMetadata === ofDirectory) return ofMetadata;
  if (ofDirectory === undefined && (await mayJoin(db, ofMetadata, store, ofStore))) {
    await writeFileDurably(path, `${ofMetadata}\n`, 0o600);
    return ofMetadata;
  }
  throw new InstallationBroken(
    'the database belongs to another data directory. Start with the one that it was first used with (--data), or with a database of its own (OBRAZ_DATABASE_URL).',
  );
}

/** Whether a directory that is nobody's can belong to the metadata. */
async function mayJoin(
  db: Database,
  ofMetadata: string,
  store: OwnedStore | undefined,
  ofStore: string | undefined,
): Promise<boolean> {
  // A SQLite file lies in its directory, so they belong together whatever became of ours.
  if (db.dialect === 'sqlite') return true;
  // Metadata and a store that are both elsewhere belong together without it: it is another process's. So does a store that
  // is nobody's yet, unless it was mistaken for the one that has the packs.
  if (store === undefined) return false;
  if (ofStore === undefined && !(await hasPacks(db))) {
    await assertFirstStore(db, store);
    return true;
  }
  return ofStore === ofMetadata;
}

async function findId({ read }: Database): Promise<string | undefined> {
  const row = await read.selectFrom('settings').select('value').where('name', '=', settingName).executeTakeFirst();
  return row?.value;
}

/** Returns what is there then. */
async function insertSetting(tx: Transaction, name: string, value: string): Promise<string> {
  await tx
    .insertInto('settings')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const row = await tx.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirstOrThrow();
  return row.value;
}

/** Whether the metadata knows of any pack. */
export async function hasPacks({ read }: Database): Promise<boolean> {
  return (await read.selectFrom('packs').select('id').limit(1).executeTakeFirst()) !== undefined;
}
