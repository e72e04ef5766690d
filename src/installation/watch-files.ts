import { stat } from 'node:fs/promises';
import { type Repetition, repeat } from '../lib/repeat.ts';

export interface WatchFilesOptions {
  readonly paths: readonly string[];
  /** Called once for each change of any of them, once at a time. What it throws goes to `onError`. */
  onChange(): Promise<void>;
  onError(error: unknown): void;
  readonly everyMs?: number;
}

/** A look costs as much as a look at a clock on the wall, and whoever changes a file soon wants to see that it worked. */
const defaultEveryMs = 1_000;

/**
 * Looks after files that are changed under a running service: certificates that something renews, lists that people
 * edit. By their times and sizes, not by the system's notices, which miss what comes by a symbolic link (as secrets of
 * Kubernetes do) or over a network. Compares with what was there when it was called. Dispose it to stop.
 *
 * A change that could not be used is told once; the next one is another try.
 */
export async function watchFiles({
  paths,
  onChange,
  onError,
  everyMs = defaultEveryMs,
}: WatchFilesOptions): Promise<Repetition> {
  let seen = await stampOf(paths);
  return repeat({
    everyMs,
    soonMs: everyMs,
    async run() {
      const stamp = await stampOf(paths);
      if (stamp === seen) return;
      // Before they are read: what changes while we read is another change.
      seen = stamp;
      await onChange();
    },
    onError,
  });
}

async function stampOf(paths: readonly string[]): Promise<string> {
  return JSON.stringify(await Promise.all(paths.map(stampOfOne)));
}

/** A file that is away for a moment, while it is replaced, is a file of another kind. */
async function stampOfOne(path: string): Promise<readonly string[]> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].map(String);
  } catch (error) {
    return [error instanceof Error && 'code' in error ? String(error.code) : String(error)];
  }
}
