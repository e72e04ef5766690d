import type { Queryable } from '../db/database.ts';

/** The public half of a service account's key. */
export interface AuthorizedKey {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly publicKeyPem: string;
}

export async function findAuthorizedKey(db: Queryable, id: string): Promise<AuthorizedKey | undefined> {
  const row = await db
    .selectFrom('service_account_keys')
    .select(['id', 'service_account_id', 'public_key_pem'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { id: row.id, serviceAccountId: row.service_account_id, publicKeyPem: row.public_key_pem };
}
