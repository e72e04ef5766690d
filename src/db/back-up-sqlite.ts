import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { syncDirectory } from '../lib/write-file-durably.ts';
import { DatabaseFailed, sqliteFailure } from './database-failed.ts';

export interface BackUpOptions {
  /** The metadata of a data directory; a service may be working on it. */
  readonly from: string;
  /** A file that is not there yet. */
  readonly to: string;
  readonly now: Date;
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** In `settings` of a backup, and of what was restored from it: when it was made, in milliseconds since 1970. */
export const backedUpAtName = 'backed_up_at';

/** 16 MiB at a time: often enough for a bar. */
const pagesAtOnce = 4096;

/**
 * Copies the metadata as it is at one moment, while others read and write: everything that was committed before is in the
 * copy, and of what is committed later nothing. The copy is one file, whole and durable when this returns its size, and not
 * there when it throws.
 *
 * @throws DatabaseFailed when the metadata can't be read, or the copy is not whole
 */
export async function backUpSqlite(options: BackUpOptions): Promise<number> {
  const { from, to, now } = options;
  const temporary = join(dirname(to), `.${basename(to)}.new`);
  await rm(temporary, { force: true });
  try {
    await copy(temporary, options);
    finish(temporary, now);
    {
      await using file = await open(temporary, 'r+');
      await file.sync();
    }
    await rename(temporary, to);
  } catch (error) {
    for (const end of ['', '-journal', '-wal', '-shm']) await rm(`${temporary}${end}`, { force: true }).catch(() => {});
    throw toFailed(error, from);
  }
  await syncDirectory(dirname(to));
  await using file = await open(to, 'r');
  return (await file.stat()).size;
}

async function copy(path: string, { from, signal, onProgress }: BackUpOptions): Promise<void> {
  using source = new DatabaseSync(from, { readOnly: true, timeout: 10_000 });
  // A transaction that reads is a snapshot for as long as it is open. Without one the copy would begin anew whenever the
  // service commits, and might never end.
  source.exec('begin');
  const { page_size: pageBytes } = source.prepare('pragma page_size').get() ?? {};
  const { page_count: pages } = source.prepare('pragma page_count').get() ?? {};
  signal?.throwIfAborted();
  onProgress?.(0, Number(pages) * Number(pageBytes));
  await backup(source, path, {
    rate: pagesAtOnce,
    progress({ totalPages, remainingPages }) {
      signal?.throwIfAborted();
      onProgress?.((totalPages - remainingPages) * Number(pageBytes), totalPages * Number(pageBytes));
    },
  });
}

/** One file, without a log beside it; and nothing is wrong with it. */
function finish(path: string, now: Date): void {
  using copied = new DatabaseSync(path);
  copied.exec('pragma journal_mode = delete; pragma synchronous = full');
  copied.prepare('insert or replace into settings (name, value) values (?, ?)').run(backedUpAtName, `${now.getTime()}`);
  const checked = copied.prepare('pragma quick_check(1)').get();
  if (checked?.quick_check !== 'ok') {
    throw new DatabaseFailed({ message: `the metadata is damaged: ${String(checked?.quick_check)}` });
  }
}

function toFailed(cause: unknown, path: string): unknown {
  if (!(cause instanceof Error) || !('errcode' in cause)) return cause;
  const message = `cannot copy ${path}: ${cause.message}`;
  return new DatabaseFailed({ message, failure: sqliteFailure(Number(cause.errcode)), cause });
}
