import { randomUUID } from 'node:crypto';
import type { Database, Transaction } from '../db/database.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { InstallationBroken } from './installation-broken.ts';

const settingName = 'installation_id';

/**
 * Sees to it that the metadata and the data directory belong to each other, by an id that both keep. With a database
 * elsewhere it is one wrong word in a URL to bring two strangers together, and then each takes the other's packs for
 * missing or for garbage. Metadata that is new (or was rebuilt) takes the directory's id.
 *
 * @throws InstallationBroken when they don't
 */
export async function assertSameInstallation(db: Database, path: string): Promise<void> {
  const ofDirectory = (await readFileIfThere(path))?.trim();
  const ofMetadata = await findId(db);
  if (ofMetadata === undefined) {
    const id = ofDirectory ?? randomUUID();
    // The file first: cut off between the two, the next start takes it from there.
    if (ofDirectory === undefined) await writeFileDurably(path, `${id}\n`, 0o600);
    await db.transact((tx) => insertId(tx, id));
    return;
  }
  if (ofMetadata === ofDirectory) return;
  // A SQLite file lies in its directory, so they belong together whatever became of ours.
  if (ofDirectory === undefined && db.dialect === 'sqlite') {
    await writeFileDurably(path, `${ofMetadata}\n`, 0o600);
    return;
  }
  throw new InstallationBroken(
    'the database belongs to another data directory. Start with the one that it was first used with (--data), or with a database of its own (OBRAZ_DATABASE_URL).',
  );
}

async function findId({ read }: Database): Promise<string | undefined> {
  const row = await read.selectFrom('settings').select('value').where('name', '=', settingName).executeTakeFirst();
  return row?.value;
}

async function insertId(tx: Transaction, id: string): Promise<void> {
  await tx.insertInto('settings').values({ name: settingName, value: id }).execute();
}
