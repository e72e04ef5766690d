import { type CheckOptions, checkOrphans, checkPacks } from './check-packs.ts';
import { checkVolumes } from './check-volumes.ts';
import type { Finding } from './finding.ts';
import type { Store } from './store.ts';

/** Everything that can be known of the store without reading its chunks. Safe while it is used. */
export async function* checkStore(store: Store, options: CheckOptions = {}): AsyncIterable<Finding> {
  yield* checkPacks(store, options);
  yield* checkOrphans(store, options);
  yield* checkVolumes(store, options);
}
