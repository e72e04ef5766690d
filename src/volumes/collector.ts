import { type Repetition, repeat } from '../lib/repeat.ts';
import { collectGarbage, sweepOrphanBlobs } from './collect-garbage.ts';
import { findCompactable } from './compact.ts';
import { measurePacks } from './measure-packs.ts';
import type { Store } from './store.ts';

export interface CollectorOptions {
  /** How long a condemned pack that a sealed volume once needed is kept. */
  readonly delayMs: number;
  /** A collection is made this often even if nobody wakes it: delays run out. */
  readonly everyMs: number;
  /** From `wake` to the collection. */
  readonly soonMs: number;
  /** There are packs worth a compaction; it is under way already, or somebody is to start it. */
  readonly onCompactable?: () => Promise<void>;
}

/** Packs measured in one round: a big store that was just opened is measured bit by bit. */
const measuredAtOnce = 64;

export const collectorDefaults = { everyMs: 60_000, soonMs: 500 } as const;

/** Of so many collections one looks for what was lost without a word: at each manifest that there is. */
const roundsToLook = 1_000;

/** What collections have done since the start. */
export interface CollectorFigures {
  readonly collections: number;
  readonly failures: number;
  /** When the last one that succeeded ended, in milliseconds since 1970; undefined before. */
  readonly succeededAt: number | undefined;
  readonly volumes: number;
  readonly condemnedPacks: number;
  readonly deletedPacks: number;
}

export interface Collector extends Repetition {
  figures(): CollectorFigures;
}

/**
 * Collects garbage in the background; the first time, blobs without a pack are swept too, and nodes that are lost. `wake`
 * says that there may be something.
 */
export function startCollector(store: Store, { delayMs, everyMs, soonMs, onCompactable }: CollectorOptions): Collector {
  const figures = { volumes: 0, condemnedPacks: 0, deletedPacks: 0, collections: 0, failures: 0 };
  let succeededAt: number | undefined;
  let isSwept = false;
  let lastNominees = '';
  let rounds = 0;
  const repetition = repeat({
    everyMs,
    soonMs,
    async run(signal) {
      if (!isSwept) {
        // Only tidiness: what it stumbles over is no reason not to collect.
        isSwept = true;
        await sweepOrphanBlobs(store, signal).catch((error: unknown) => {
          if (!signal.aborted)
            store.log.error({ err: error }, 'sweeping orphan blobs failed; the next start tries again');
        });
      }
      const collected = await collectGarbage(store, { delayMs, signal, looksForLost: rounds % roundsToLook === 0 });
      rounds += 1;
      figures.collections += 1;
      figures.volumes += collected.volumes;
      figures.condemnedPacks += collected.condemnedPacks;
      figures.deletedPacks += collected.deletedPacks;
      succeededAt = store.now();
      if (collected.deletedPacks + collected.condemnedPacks + collected.volumes > 0) {
        store.log.info(collected, 'garbage collected');
      }
      await measurePacks(store, { limit: measuredAtOnce, signal });
      const nominees = (await findCompactable(store)).flatMap(({ packIds }) => packIds).join(' ');
      // Those that a compaction has left alone are not worth another one until something changes.
      if (nominees !== '' && nominees !== lastNominees) await onCompactable?.();
      lastNominees = nominees;
    },
    onError(error) {
      figures.failures += 1;
      store.log.error({ err: error }, 'a collection failed; it is tried again');
    },
  });
  return { ...repetition, figures: () => ({ ...figures, succeededAt }) };
}
