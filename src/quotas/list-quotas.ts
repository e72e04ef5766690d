import type { Database } from '../db/database.ts';
import type { Quota } from './quota.ts';
import { findQuotas } from './quota-rows.ts';

/** Every quota of the cloud; one that is not there uses nothing. */
export async function listQuotas(
  { db }: { readonly db: Database },
  { cloudId }: { readonly cloudId: string },
): Promise<Quota[]> {
  return findQuotas(db.read, cloudId);
}
