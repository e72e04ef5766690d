import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { findCloud } from '../folders/cloud-rows.ts';
import { quotaNamed, readQuota } from './get-quota.ts';
import type { Quota } from './quota.ts';
import { deleteQuotaLimit, upsertQuotaLimit } from './quota-rows.ts';

export interface SetQuota {
  readonly cloudId: string;
  readonly name: string;
  /** Undefined for the default. */
  readonly limit: number | undefined;
}

/** Gives a cloud a limit of its own, or takes it back, at once. Throws NOT_FOUND for the cloud and for what is no quota. */
export async function setQuota(
  { db }: { readonly db: Database },
  { cloudId, name: text, limit }: SetQuota,
): Promise<Quota> {
  const name = quotaNamed(text);
  return db.transact(async (tx) => {
    if ((await findCloud(tx, cloudId)) === undefined) throw notFound('Cloud', cloudId);
    if (limit === undefined) await deleteQuotaLimit(tx, { cloudId, name });
    else await upsertQuotaLimit(tx, { cloudId, name, limit });
    return readQuota(tx, cloudId, name);
  });
}
