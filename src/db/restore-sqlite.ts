import { copyFile, link, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { syncDirectory } from '../lib/write-file-durably.ts';
import { backedUpAtName } from './back-up-sqlite.ts';
import { DatabaseFailed } from './database-failed.ts';

export interface RestoreOptions {
  /** What backUpSqlite made; it is left as it is. */
  readonly from: string;
  /** The metadata of a data directory that nobody uses: the caller holds its lock. */
  readonly to: string;
  readonly now: Date;
}

export interface Restored {
  /** Undefined for a copy that somebody made by other means. */
  readonly backedUpAt: Date | undefined;
  /** Where the metadata is that was there before; undefined when there was none. */
  readonly replaced: string | undefined;
}

/** The file is no backup of an installation's metadata, or not whole. */
export class BackupUnusable extends Error {
  constructor(path: string, fact: string, options?: ErrorOptions) {
    super(`${path} cannot be restored: ${fact}`, options);
    this.name = 'BackupUnusable';
  }
}

/**
 * Puts a backup in the place of the metadata, durably. What was there is kept under another name. It is the one or the
 * other at every moment, whenever the process dies, unless what was there could not be opened any more.
 *
 * @throws BackupUnusable for a file that is none, before anything is changed; DatabaseFailed while somebody reads what is there
 */
export async function restoreSqlite({ from, to, now }: RestoreOptions): Promise<Restored> {
  const backedUpAt = readBackup(from);
  const temporary = join(dirname(to), `.${basename(to)}.new`);
  await rm(temporary, { force: true });
  try {
    await copyFile(from, temporary);
    {
      await using file = await open(temporary, 'r+');
      await file.chmod(0o600);
      await file.sync();
    }
    const replaced = await setAside(to, `${to}.replaced-${now.toISOString().replaceAll(':', '-')}`);
    await rename(temporary, to);
    await syncDirectory(dirname(to));
    return { backedUpAt, replaced };
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** When it was made. */
function readBackup(path: string): Date | undefined {
  try {
    using copy = new DatabaseSync(path, { readOnly: true });
    const checked = copy.prepare('pragma quick_check(1)').get();
    if (checked?.quick_check !== 'ok') throw new BackupUnusable(path, `it is damaged: ${String(checked?.quick_check)}`);
    const setting = copy.prepare('select value from settings where name = ?');
    if (setting.get('installation_id') === undefined) throw new BackupUnusable(path, 'it is of no installation');
    const made = setting.get(backedUpAtName)?.value;
    return made === undefined ? undefined : new Date(Number(made));
  } catch (error) {
    if (error instanceof BackupUnusable) throw error;
    throw new BackupUnusable(path, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Gives the metadata that is there a second name, and sees that nothing of it is in a log beside it. */
async function setAside(path: string, name: string): Promise<string | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) {
    await removeLogs(path);
    return undefined;
  }
  if (!closeLog(path)) {
    // Damaged, most likely. Its log goes with it: beside the backup it would be taken for the backup's own.
    for (const end of ['-wal', '-shm']) {
      await rename(`${path}${end}`, `${name}${end}`).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    }
  }
  await link(path, name);
  return name;
}

/** Takes what is in the log into the file, and the log away; false when the file is no database that can be used. */
function closeLog(path: string): boolean {
  try {
    using database = new DatabaseSync(path, { timeout: 10_000 });
    return database.prepare('pragma journal_mode = delete').get()?.journal_mode === 'delete';
  } catch (error) {
    if (isBusy(error))
      throw new DatabaseFailed({ message: `another process reads ${path}: end it first`, cause: error });
    return false;
  }
}

/** SQLite's number for a database that another connection has locked. */
const sqliteBusy = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === sqliteBusy;
}

async function removeLogs(path: string): Promise<void> {
  for (const end of ['-wal', '-shm']) await rm(`${path}${end}`, { force: true });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
