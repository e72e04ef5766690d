import { readFile, rm, stat } from 'node:fs/promises';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { difference, isVerifiable, readIdentity, type SourceIdentity } from './source-identity.ts';

/**
 * What is known of a spool file, kept beside it as `<spool>.json`. It is written after the bytes it speaks of were
 * synced, so it is true even after a power cut; what the file holds beyond is worth nothing.
 */
export interface SpoolRecord {
  readonly identity: SourceIdentity;
  /** The file's first bytes that are known to be on disk. */
  readonly durableBytes: number;
  /** Whether they are all there are. */
  readonly complete: boolean;
}

export function recordPath(spoolPath: string): string {
  return `${spoolPath}.json`;
}

/** The record beside the spool, or undefined when there is none that can be read, or the file is shorter than it says. */
export async function readSpoolRecord(spoolPath: string): Promise<SpoolRecord | undefined> {
  try {
    const record = parseRecord(JSON.parse(await readFile(recordPath(spoolPath), 'utf8')));
    const { size } = await stat(spoolPath);
    return record !== undefined && size >= record.durableBytes ? record : undefined;
  } catch {
    // No record, a damaged one, or no file: whichever it is, the object is spooled again.
    return undefined;
  }
}

/** Whether what the record speaks of can be used for this version of the object. */
export function isUsable(record: SpoolRecord, identity: SourceIdentity): boolean {
  const same = record.identity.url === identity.url && difference(record.identity, identity) === undefined;
  // Only a whole copy is of use when the server cannot continue from where it ends.
  return same && isVerifiable(identity) && (record.complete || identity.ranges);
}

/** Replaces the record in one step. */
export async function writeSpoolRecord(spoolPath: string, record: SpoolRecord): Promise<void> {
  await writeFileDurably(recordPath(spoolPath), JSON.stringify(record), 0o600);
}

/** Removes a spool and its record; succeeds when there is none. */
export async function removeSpool(spoolPath: string): Promise<void> {
  // The record goes first: without it the rest is never taken for more than rubbish.
  await rm(recordPath(spoolPath), { force: true });
  await rm(spoolPath, { force: true });
}

function parseRecord(value: unknown): SpoolRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('identity' in value && 'durableBytes' in value && 'complete' in value)) return undefined;
  const identity = readIdentity(value.identity);
  const { durableBytes, complete } = value;
  if (identity === undefined || typeof complete !== 'boolean') return undefined;
  if (typeof durableBytes !== 'number' || !Number.isSafeInteger(durableBytes) || durableBytes < 0) return undefined;
  return { identity, durableBytes, complete };
}
