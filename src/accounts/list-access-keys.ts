import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import type { AccessKey } from './access-key.ts';
import { listAccessKeyRows } from './access-key-rows.ts';
import { getServiceAccount } from './get-service-account.ts';
import type { ListKeys } from './list-keys.ts';

/** The access keys of a service account, by id. Throws NOT_FOUND for the account, INVALID_ARGUMENT for a page token. */
export async function listAccessKeys(
  deps: { readonly db: Database },
  { serviceAccountId, pageSize, pageToken }: ListKeys,
): Promise<{ accessKeys: readonly AccessKey[]; nextPageToken: string }> {
  const asked = ['access keys', serviceAccountId];
  const after = readPageToken(asked, pageToken, foreignPageToken);
  await getServiceAccount(deps, { serviceAccountId });
  const limit = pageLimit(pageSize);
  const rows = await listAccessKeyRows(deps.db.read, { serviceAccountId, after: after?.id, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, ({ id }) => ({ key: '', id }));
  return { accessKeys: page.items, nextPageToken: page.nextPageToken };
}
