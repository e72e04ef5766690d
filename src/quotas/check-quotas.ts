import type { Transaction } from '../db/database.ts';
import { type QuotaFacts, quotaExceeded } from '../errors.ts';
import { type Quota, type QuotaName, quotaNames, quotaUnit, quotaWords } from './quota.ts';
import { findQuotas } from './quota-rows.ts';

/** What a change takes of quotas, by their names. What it takes nothing of is not asked about. */
export type QuotaNeeds = Readonly<Partial<Record<QuotaName, number>>>;

/**
 * Refuses a change that has just been written: to be called in its transaction, behind what counts. Throws RESOURCE_EXHAUSTED
 * when the folder's cloud is above its limit now in a quota that the change takes something of. So what is under way counts
 * from its first moment, and no two changes can both take what is left.
 */
export async function assertWithinQuotas(tx: Transaction, folderId: string, needs: QuotaNeeds): Promise<void> {
  const names = quotaNames.filter((name) => (needs[name] ?? 0) > 0);
  for (const quota of await quotasOf(tx, folderId, names)) {
    if (quota.used <= quota.limit) continue;
    throw quotaExceeded(factsOf({ ...quota, used: quota.used - (needs[quota.name] ?? 0) }, quota.used));
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
    if (quota.used + amount > quota.limit) throw quotaExceeded(factsOf(quota, quota.used + amount));
  }
}

async function quotasOf(tx: Transaction, folderId: string, names: readonly QuotaName[]): Promise<Quota[]> {
  const folder = await tx.selectFrom('folders').select('cloud_id').where('id', '=', folderId).executeTakeFirst();
  return folder === undefined || names.length === 0 ? [] : findQuotas(tx, folder.cloud_id, names);
}

function factsOf({ cloudId, name, limit, used }: Quota, required: number): QuotaFacts {
  return { cloudId, name, words: quotaWords(name), unit: quotaUnit(name), limit, used, required };
}
