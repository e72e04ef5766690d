import type { Transaction } from '../db/database.ts';
import { type QuotaFacts, quotaExceeded } from '../errors.ts';
import { type Quota, type QuotaName, quotaUnit, quotaWords } from './quota.ts';
import { findQuotas } from './quota-rows.ts';

/**
 * Refuses a change that has just been written: to be called in its transaction, behind what counts. Throws RESOURCE_EXHAUSTED
 * when the folder's cloud is above its limit in one of these quotas. So what is under way counts from its first moment, and
 * no two changes can both take what is left.
 *
 * Only for quotas that the change needs more of: one that was lowered takes nothing away.
 */
export async function assertWithinQuotas(
  tx: Transaction,
  folderId: string,
  names: readonly QuotaName[],
): Promise<void> {
  for (const quota of await quotasOf(tx, folderId, names)) {
    if (quota.used > quota.limit) throw quotaExceeded(factsOf(quota, 0));
  }
}

/** Refuses what would need this much more, before it is there. Throws as assertWithinQuotas. */
export async function assertRoomInQuota(
  tx: Transaction,
  folderId: string,
  name: QuotaName,
  amount: number,
): Promise<void> {
  for (const quota of await quotasOf(tx, folderId, [name])) {
    if (quota.used + amount > quota.limit) throw quotaExceeded(factsOf(quota, amount));
  }
}

async function quotasOf(tx: Transaction, folderId: string, names: readonly QuotaName[]): Promise<Quota[]> {
  const folder = await tx.selectFrom('folders').select('cloud_id').where('id', '=', folderId).executeTakeFirst();
  return folder === undefined ? [] : findQuotas(tx, folder.cloud_id, names);
}

function factsOf({ cloudId, name, limit, used }: Quota, amount: number): QuotaFacts {
  return { cloudId, name, words: quotaWords(name), unit: quotaUnit(name), limit, required: used + amount };
}
