import { type Repetition, repeat } from '../lib/repeat.ts';
import { collectGarbage, sweepOrphanBlobs } from './collect-garbage.ts';
import type { Store } from './store.ts';

export interface CollectorOptions {
  /** How long a condemned pack that a sealed volume once needed is kept. */
  readonly delayMs: number;
  /** A collection is made this often even if nobody wakes it: delays run out. */
  readonly everyMs: number;
  /** From `wake` to the collection. */
  readonly soonMs: number;
}

export const collectorDefaults: CollectorOptions = { delayMs: 86_400_000, everyMs: 60_000, soonMs: 500 };

/** Collects garbage in the background; the first time, blobs without a pack are swept too. */
export function startCollector(store: Store, { delayMs, everyMs, soonMs }: CollectorOptions): Repetition {
  let isSwept = false;
  return repeat({
    everyMs,
    soonMs,
    async run(signal) {
      if (!isSwept) await sweepOrphanBlobs(store, signal);
      isSwept = true;
      const collected = await collectGarbage(store, { delayMs, signal });
      if (collected.deletedPacks + collected.condemnedPacks + collected.volumes > 0) {
        store.log.info(collected, 'garbage collected');
      }
    },
    onError: (error) => store.log.error({ err: error }, 'a collection failed; it is tried again'),
  });
}
