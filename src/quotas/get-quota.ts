import type { Database, Queryable } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { isQuotaName, type Quota, type QuotaName } from './quota.ts';
import { findQuotas } from './quota-rows.ts';

/** Throws NOT_FOUND for what is no quota. */
export async function getQuota(
  { db }: { readonly db: Database },
  { cloudId, name }: { readonly cloudId: string; readonly name: string },
): Promise<Quota> {
  return readQuota(db.read, cloudId, quotaNamed(name));
}

/** Throws NOT_FOUND. */
export function quotaNamed(text: string): QuotaName {
  if (!isQuotaName(text)) throw notFound('Quota', text);
  return text;
}

export async function readQuota(db: Queryable, cloudId: string, name: QuotaName): Promise<Quota> {
  const [quota] = await findQuotas(db, cloudId, [name]);
  if (quota === undefined) throw new Error(`the quota ${name} was not read`);
  return quota;
}
