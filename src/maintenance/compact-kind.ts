import { integerOf, type JsonObject, objectOf } from '../lib/json.ts';
import type { OperationKind } from '../operations/kind.ts';
import { type Compacted, compactPacks } from '../volumes/compact.ts';
import { unpinPacks } from '../volumes/pack-rows.ts';
import type { Store } from '../volumes/store.ts';
import { compactStoreKind } from './operation-names.ts';
import { StoreProgress } from './store-progress.ts';

/** Read at this rate at most: compaction is in no hurry, and a disk has others to serve. */
const bytesPerSecond = 50_000_000;

export interface CompactKindDeps {
  readonly store: Store;
  /** There may be something to collect. */
  readonly onGarbage: () => void;
}

/**
 * How compactions are run: as operations, so that the packs they write have a lease like those of imports. One that is
 * interrupted begins again with what is worth it then; the pack it was writing is collected, since its lease is over.
 */
export function createCompactKind({ store, onGarbage }: CompactKindDeps): OperationKind {
  return {
    name: compactStoreKind,
    async run({ lease, signal, report }) {
      const progress = new StoreProgress(report, store.now);
      let before = 0;
      const onProgress = ({ movedBytes }: Compacted): void => {
        progress.passed(movedBytes - before);
        before = movedBytes;
      };
      const done = await compactPacks(store, { lease, signal, bytesPerSecond, onProgress });
      onGarbage();
      return async () => compactedToJson(done);
    },
    abandon: (tx, { id }) => unpinPacks(tx, id),
    async cleanUp() {
      onGarbage();
    },
  };
}

function compactedToJson({ packs, movedBytes, freedBytes }: Compacted): JsonObject {
  return { packs, movedBytes, freedBytes };
}

/** Throws JsonShapeWrong for anything that a compaction does not leave as its result. */
export function compactedFromJson(value: unknown): Compacted {
  const json = objectOf(value, 'result of a compaction');
  const number = (key: string) => integerOf(json, key);
  return { packs: number('packs'), movedBytes: number('movedBytes'), freedBytes: number('freedBytes') };
}
