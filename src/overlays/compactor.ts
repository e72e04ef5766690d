import { abortReason } from '../lib/abort-reason.ts';
import { copyLiveBlocks, fileToCompact } from './compact-log.ts';
import type { LogAppender } from './log-appender.ts';
import type { LogFile } from './log-file.ts';
import type { LogSet } from './log-set.ts';
import { type OverlayFailed, overlayFailedBy } from './overlay-failed.ts';

export interface CompactorOptions {
  readonly logs: LogSet;
  readonly appender: LogAppender;
  /** Whether waking it is enough. */
  readonly runsByItself: boolean;
  /** Resolves when everybody has ended who may have looked up a place before the call. */
  unread(): Promise<unknown>;
  onProblem(error: OverlayFailed): void;
}

/** Gives the space of mostly dead log files back, one file at a time. */
export class Compactor implements AsyncDisposable {
  readonly #options: CompactorOptions;
  readonly #stopped = new AbortController();
  /** Files that can't be read whole, and stay. */
  readonly #unreadable = new Set<LogFile>();
  #running: Promise<void> = Promise.resolve();
  #isWoken = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** There may be something to do. */
  wake(): void {
    if (!this.#options.runsByItself || this.#isWoken || this.#stopped.signal.aborted) return;
    this.#isWoken = true;
    this.run().catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) this.#options.onProblem(overlayFailedBy(error, 'compaction'));
    });
  }

  /** Returns when there was nothing left to do; throws `OverlayFailed` when there was no room to do it in. */
  run(): Promise<void> {
    const run = this.#running.then(() => this.#compactAll());
    this.#running = run.catch(() => {});
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort(new Error('the overlay is closing'));
    await this.#running;
  }

  async #compactAll(): Promise<void> {
    this.#isWoken = false;
    const { logs } = this.#options;
    for (;;) {
      const file = fileToCompact(logs, this.#unreadable);
      if (file === undefined) return;
      await this.#compact(file);
    }
  }

  async #compact(file: LogFile): Promise<void> {
    const { logs, appender, unread } = this.#options;
    const { signal } = this.#stopped;
    if (signal.aborted) throw abortReason(signal);
    let isDone: boolean;
    try {
      isDone = await copyLiveBlocks(logs, appender, file, signal);
    } catch (error) {
      const failed = overlayFailedBy(error, file.path);
      if (signal.aborted || failed.code === 'ENOSPC') throw failed;
      logs.throwIfFailed();
      this.#unreadable.add(file);
      this.#options.onProblem(failed);
      return;
    }
    if (!isDone) return;
    logs.removeFile(file);
    await unread();
    logs.discard(file);
    await logs.save();
  }
}
