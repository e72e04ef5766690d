import type { Queryable } from '../db/database.ts';

/** Whose requests a key signs. */
export interface AccessKeyOwner {
  readonly serviceAccountId: string;
  readonly folderId: string;
}

/** @param keyId what clients call it, which is not the key's id as a resource */
export async function findAccessKeyOwner(db: Queryable, keyId: string): Promise<AccessKeyOwner | undefined> {
  const row = await db
    .selectFrom('access_keys')
    .innerJoin('service_accounts', 'service_accounts.id', 'access_keys.service_account_id')
    .select(['access_keys.service_account_id', 'service_accounts.folder_id'])
    .where('key_id', '=', keyId)
    .executeTakeFirst();
  return row === undefined ? undefined : { serviceAccountId: row.service_account_id, folderId: row.folder_id };
}
