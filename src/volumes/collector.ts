import { type CollectOptions, collectGarbage, sweepOrphanBlobs } from './collect-garbage.ts';
import type { Store } from './store.ts';

/** Collects garbage in the background, one collection at a time. Dispose it before the store. */
export interface Collector extends AsyncDisposable {
  /** There may be something to collect: soon, not at once, so that many such calls are one collection. */
  wake(): void;
}

export interface CollectorOptions {
  /** How long a condemned pack that a sealed volume once needed is kept. */
  readonly delayMs: number;
  /** A collection is made this often even if nobody wakes it: delays run out. */
  readonly everyMs: number;
  /** From `wake` to the collection. */
  readonly soonMs: number;
}

export const collectorDefaults: CollectorOptions = { delayMs: 86_400_000, everyMs: 60_000, soonMs: 500 };

/** Starts collecting; the first time, blobs without a pack are swept too. */
export function startCollector(store: Store, options: CollectorOptions): Collector {
  const stopped = new AbortController();
  const collectOptions: CollectOptions = { delayMs: options.delayMs, signal: stopped.signal };
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  /** Somebody woke us since the last collection began: what they mean may not have been seen by it. */
  let woken = true;

  function schedule(afterMs: number): void {
    if (stopped.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      woken = false;
      running = running.then(collect).then(() => schedule(woken ? options.soonMs : options.everyMs));
    }, afterMs);
    timer.unref();
  }

  async function collect(): Promise<void> {
    if (stopped.signal.aborted) return;
    try {
      const collected = await collectGarbage(store, collectOptions);
      if (collected.deletedPacks + collected.condemnedPacks + collected.volumes > 0) {
        store.log.info(collected, 'garbage collected');
      }
    } catch (error) {
      if (!stopped.signal.aborted) store.log.error({ err: error }, 'a collection failed; it is tried again');
    }
  }

  async function sweep(): Promise<void> {
    try {
      await sweepOrphanBlobs(store, stopped.signal);
    } catch (error) {
      if (!stopped.signal.aborted) store.log.error({ err: error }, 'sweeping orphan blobs failed');
    }
  }

  running = sweep();
  schedule(options.soonMs);
  return {
    wake() {
      woken = true;
      schedule(options.soonMs);
    },
    async [Symbol.asyncDispose]() {
      stopped.abort(new Error('the collector stops'));
      clearTimeout(timer);
      await running;
    },
  };
}
