import type { HttpLimits } from './http-limits.ts';
import type { HttpObject } from './http-object.ts';
import { withRetries } from './retries.ts';
import { SpoolFile } from './spool-file.ts';
import type { SpoolRecord } from './spool-record.ts';

export interface CopyOptions {
  readonly object: HttpObject;
  readonly limits: HttpLimits;
  readonly closed: AbortSignal;
  readonly spoolPath: string;
  /** What an earlier run left, to be continued. */
  readonly kept: SpoolRecord | undefined;
  /** Called when all of the file is here. */
  readonly onComplete: () => void;
}

/** A copy from which reads are answered; a read waits until the bytes it wants are here. */
export interface Copy {
  read(target: Uint8Array, offset: number): Promise<void>;
  /** Ends the copying and leaves what is there for a later run. */
  close(): Promise<void>;
}

/**
 * Copies an object into its spool from the beginning, or from where an earlier run stopped, by one request for all of
 * it; after a broken connection it goes on from the byte that is missing.
 */
export function startCopy(options: CopyOptions): Copy {
  const opening = openSpool(options);
  const stop = new AbortController();
  const stopped = AbortSignal.any([options.closed, stop.signal]);
  const copying = opening.then((spool) => copyInto(spool, options, stopped));
  // Whoever reads is told; when nobody does, nobody misses it.
  copying.catch(() => {});
  return {
    async read(target, offset) {
      const spool = await opening;
      await spool.reach(offset + target.length);
      await spool.read(target, offset);
    },
    async close() {
      stop.abort();
      await copying.catch(() => {});
      const spool = await opening.catch(() => undefined);
      await spool?.close();
    },
  };
}

function openSpool(options: CopyOptions): Promise<SpoolFile> {
  return SpoolFile.open({
    path: options.spoolPath,
    identity: options.object.identity,
    kept: options.kept,
    maxBytes: options.object.sizeBytes,
    minFreeBytes: options.limits.minFreeBytes,
  });
}

async function copyInto(spool: SpoolFile, options: CopyOptions, stopped: AbortSignal): Promise<void> {
  const { object } = options;
  try {
    await withRetries(
      async () => {
        const at = spool.appendedBytes;
        const sink = { write: (chunk: Uint8Array) => spool.append(chunk) };
        if (at < object.sizeBytes) await object.getRange(at, object.sizeBytes - at, sink, stopped);
      },
      { limits: options.limits, signal: stopped, received: () => spool.appendedBytes },
    );
    if (!spool.complete) await spool.finish();
    options.onComplete();
  } catch (error) {
    // After a close the spool stays good: only the copying was ended.
    if (!stopped.aborted) spool.fail(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
