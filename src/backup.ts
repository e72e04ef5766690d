import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatByteSize } from './cli/byte-size.ts';
import { createProgressDisplay } from './cli/progress-display.ts';
import { createRateMeter } from './cli/rate-meter.ts';
import { type Config, ConfigInvalid, readConfig } from './config.ts';
import { backUpSqlite } from './db/back-up-sqlite.ts';
import { DataDirectoryInUse, lockDataDirectory } from './db/data-lock.ts';
import { DatabaseFailed } from './db/database-failed.ts';
import { BackupUnusable, type Restored, restoreSqlite } from './db/restore-sqlite.ts';
import { describeDataDirectory, makeDataDirectory } from './installation/data-directory.ts';
import { InstallationBroken } from './installation/installation-broken.ts';

/** Exit codes of `obraz backup` and `obraz restore`; those that `obraz serve` has too mean the same. */
const exitCode = { done: 0, failed: 1, usage: 2, inUse: 3, unusable: 4 } as const;

interface BackupFlags {
  readonly data?: string;
}

/** Runs `obraz backup FILE` on this machine, beside the service or without it, and returns the process's exit code. */
export async function backUp(file: string, flags: BackupFlags, signal: AbortSignal): Promise<number> {
  return run(flags, async (config) => {
    if (config.databaseUrl !== undefined)
      throw new OnPostgres('pg_dump --format=custom --file=FILE "$OBRAZ_DATABASE_URL"');
    const { database } = describeDataDirectory(config.dataDirectory);
    if (!existsSync(database)) throw new InstallationBroken(`there is no metadata in ${config.dataDirectory}.`);
    const to = resolve(config.startedFrom, file);
    if (existsSync(to)) throw new BackupRefused(`${to} is there already. Give each backup a name of its own.`);
    const meter = createRateMeter();
    using display = createProgressDisplay({ out: process.stdout, err: process.stderr });
    let before = 0;
    const sizeBytes = await backUpSqlite({
      from: database,
      to,
      now: new Date(),
      signal,
      onProgress(doneBytes, totalBytes) {
        meter.add(doneBytes - before);
        before = doneBytes;
        display.show({ phase: 'copying', doneBytes, totalBytes, bytesPerSecond: meter.bytesPerSecond() });
      },
    });
    return `${formatByteSize(sizeBytes)} of metadata are in ${to}\n`;
  });
}

/** Runs `obraz restore FILE` on this machine's data directory while no service runs, and returns the process's exit code. */
export async function restore(file: string, flags: BackupFlags): Promise<number> {
  return run(flags, async (config) => {
    if (config.databaseUrl !== undefined)
      throw new OnPostgres('pg_restore --clean --if-exists --dbname="$OBRAZ_DATABASE_URL" FILE');
    const directory = describeDataDirectory(config.dataDirectory);
    await makeDataDirectory(directory);
    using _lock = lockDataDirectory(directory.lock);
    const from = resolve(config.startedFrom, file);
    return describeRestored(await restoreSqlite({ from, to: directory.database, now: new Date() }));
  });
}

function describeRestored({ backedUpAt, replaced }: Restored): string {
  const lines = [
    backedUpAt === undefined
      ? 'The metadata is restored.'
      : `The metadata is as it was at ${backedUpAt.toISOString()}.`,
    ...(replaced === undefined ? [] : [`What was there before is in ${replaced}`]),
    'Images, disks and snapshots made since are not in it. To have the content of images back that were made since, run',
    '"obraz fsck --rebuild" before you start the service. After the start, "obraz fsck" says if anything is missing.',
  ];
  return `${lines.join('\n')}\n`;
}

/** The metadata is not in a file of ours. */
class OnPostgres extends Error {
  constructor(command: string) {
    super(`the metadata is in PostgreSQL, which has its own tools for this: ${command}`);
  }
}

class BackupRefused extends Error {}

async function run(flags: BackupFlags, work: (config: Config) => Promise<string>): Promise<number> {
  // What is known of images is nobody else's to read, also where a backup is put.
  process.umask(0o077);
  try {
    process.stdout.write(await work(readConfig(flags)));
    return exitCode.done;
  } catch (error) {
    const { code, message } = explain(error);
    process.stderr.write(`ERROR: ${message}\n`);
    return code;
  }
}

function explain(error: unknown): { code: number; message: string } {
  if (error instanceof ConfigInvalid || error instanceof BackupRefused || error instanceof OnPostgres) {
    return { code: exitCode.usage, message: error.message };
  }
  if (error instanceof DataDirectoryInUse) {
    return {
      code: exitCode.inUse,
      message: `${error.message}: end the service that runs on this data directory first.`,
    };
  }
  if (error instanceof InstallationBroken || error instanceof BackupUnusable || error instanceof DatabaseFailed) {
    return { code: exitCode.unusable, message: error.message };
  }
  if (error instanceof Error && ('syscall' in error || error.name === 'AbortError')) {
    return { code: exitCode.failed, message: error.message };
  }
  return { code: exitCode.failed, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
