import { findNodesNeeding } from './manifest-rows.ts';
import { isUnmeasured } from './pack-rows.ts';
import { findPackUses, packSizeOf } from './pack-use.ts';
import type { Store } from './store.ts';

/** Packs looked at in one go: the manifest nodes that several of them share are read once. */
const packsAtOnce = 16;

export interface MeasureOptions {
  /** At most so many packs; the others have their turn another time. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds out how much is still needed of packs whose use has changed since they were last measured, and notes it in
 * `live_bytes`. Packs that an operation pins are passed over: their use is about to change. Returns how many were.
 */
export async function measurePacks(store: Store, { limit, signal }: MeasureOptions): Promise<number> {
  const { db } = store;
  const unmeasured = await db.read
    .selectFrom('packs')
    .select(['id', 'domain_id', 'size'])
    .where(isUnmeasured)
    .where((pack) =>
      pack.not(pack.exists(pack.selectFrom('pack_pins').select('operation_id').whereRef('pack_id', '=', 'packs.id'))),
    )
    .limit(limit)
    .execute();
  const sizes = new Map(unmeasured.map(({ id, size }) => [id, size]));
  for (const [domainId, packs] of Map.groupBy(unmeasured, (pack) => pack.domain_id)) {
    for (let start = 0; start < packs.length; start += packsAtOnce) {
      signal?.throwIfAborted();
      const ids = packs.slice(start, start + packsAtOnce).map(({ id }) => id);
      for (const { packId, nodes, live } of await findPackUses(store, domainId, ids)) {
        if (nodes.size === 0) continue; // a collection condemns it
        const liveBytes = live === undefined ? (sizes.get(packId) ?? 0) : packSizeOf(live);
        await db.transact(async (tx) => {
          const now = await findNodesNeeding(tx, domainId, packId);
          if (nodes.symmetricDifference(new Set(now.keys())).size > 0) return; // it has changed again
          await tx.updateTable('packs').set({ live_bytes: liveBytes }).where('id', '=', packId).execute();
        });
      }
    }
  }
  return unmeasured.length;
}
