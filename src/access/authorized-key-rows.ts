import type { Queryable } from '../db/database.ts';

/** The public half of a service account's key. */
export interface AuthorizedKey {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly publicKeyPem: string;
  /** What its account signed then or earlier holds no more; undefined when nothing was ended so. */
  readonly refusedUntil: Date | undefined;
}

export async function findAuthorizedKey(db: Queryable, id: string): Promise<AuthorizedKey | undefined> {
  const row = await db
    .selectFrom('service_account_keys')
    .leftJoin('token_cutoffs', 'token_cutoffs.subject_id', 'service_account_keys.service_account_id')
    .select(['id', 'service_account_id', 'public_key_pem', 'made_until'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    id: row.id,
    serviceAccountId: row.service_account_id,
    publicKeyPem: row.public_key_pem,
    refusedUntil: row.made_until === null ? undefined : new Date(row.made_until),
  };
}
