import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { ServiceAccount } from './service-account.ts';
import { findAccount } from './service-account-rows.ts';

/** Throws NOT_FOUND. */
export async function getServiceAccount(
  { db }: { readonly db: Database },
  { serviceAccountId }: { readonly serviceAccountId: string },
): Promise<ServiceAccount> {
  const account = await findAccount(db.read, serviceAccountId);
  if (account === undefined) throw notFound('Service account', serviceAccountId);
  return account;
}
