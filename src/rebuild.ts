import { existsSync } from 'node:fs';
import { BucketUnusable } from './blobs/bucket-unusable.ts';
import { ConfigInvalid, readConfig } from './config.ts';
import { DataDirectoryInUse } from './db/data-lock.ts';
import { DatabaseFailed } from './db/database-failed.ts';
import { describeDataDirectory, makeDataDirectory } from './installation/data-directory.ts';
import { InstallationBroken } from './installation/installation-broken.ts';
import { rebuildDataDirectory } from './maintenance/rebuild-data-directory.ts';
import type { Rebuilt } from './volumes/rebuild.ts';

/** Exit codes of `obraz fsck --rebuild`; those that `obraz serve` has too mean the same. */
const exitCode = { done: 0, failed: 1, usage: 2, inUse: 3, unusable: 4 } as const;

/** Runs `obraz fsck --rebuild` on this machine's data directory, and returns the process's exit code. */
export async function rebuild(flags: { readonly data?: string }, signal: AbortSignal): Promise<number> {
  process.umask(0o077);
  try {
    const config = readConfig(flags);
    const directory = describeDataDirectory(config.dataDirectory);
    const { databaseUrl, s3 } = config;
    // A machine that was lost leaves nothing but its S3 bucket.
    if (s3 !== undefined) await makeDataDirectory(directory);
    else if (!existsSync(directory.packs)) throw new InstallationBroken(`there are no packs in ${directory.packs}`);
    const rebuilt = await rebuildDataDirectory({ directory, databaseUrl, s3, log: quiet, signal });
    process.stdout.write(describeRebuilt(rebuilt));
    return rebuilt.findings.some(({ severity }) => severity === 'error') ? exitCode.failed : exitCode.done;
  } catch (error) {
    const { code, message } = explain(error);
    process.stderr.write(`ERROR: ${message}\n`);
    return code;
  }
}

/** What was found is printed at the end. */
const quiet = { info() {}, warn() {}, error() {} };

function describeRebuilt({ packs, entries, knownVolumes, recoveredVolumes, findings }: Rebuilt): string {
  const lines = findings.map(({ severity, what, id, fact, remedy }) => {
    return `${severity}  ${what}  ${id}\n    ${fact}\n    ${remedy}\n`;
  });
  const recovered =
    recoveredVolumes === 0
      ? ''
      : `; ${recoveredVolumes} that it had lost are back, those without an image as images in the folder "recovered"`;
  lines.push(`${packs} packs with ${entries} chunks; ${knownVolumes} volumes that the metadata knew${recovered}\n`);
  lines.push('What the packs hold was not verified: "obraz scrub" does that once the service runs.\n');
  return lines.join('');
}

function explain(error: unknown): { code: number; message: string } {
  if (error instanceof ConfigInvalid) return { code: exitCode.usage, message: error.message };
  if (error instanceof DataDirectoryInUse) {
    return {
      code: exitCode.inUse,
      message: `${error.message}: end the service that runs on this data directory first.`,
    };
  }
  if (error instanceof InstallationBroken || error instanceof BucketUnusable) {
    return { code: exitCode.unusable, message: error.message };
  }
  if (error instanceof DatabaseFailed) {
    const remedy = 'Move a damaged metadata.db away, with its -wal and -shm files, and run this again.';
    return { code: exitCode.unusable, message: `the metadata cannot be used: ${error.message}\n${remedy}` };
  }
  if (error instanceof Error && 'syscall' in error) return { code: exitCode.failed, message: error.message };
  return { code: exitCode.failed, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
