import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import { getServiceAccount } from './get-service-account.ts';
import type { Key } from './key.ts';
import { listKeyRows } from './key-rows.ts';

export interface ListKeys {
  readonly serviceAccountId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The keys of a service account, by id. Throws NOT_FOUND for the account, INVALID_ARGUMENT for a page token. */
export async function listKeys(
  deps: { readonly db: Database },
  { serviceAccountId, pageSize, pageToken }: ListKeys,
): Promise<{ keys: readonly Key[]; nextPageToken: string }> {
  const asked = ['keys', serviceAccountId];
  const after = readPageToken(asked, pageToken, foreignPageToken);
  await getServiceAccount(deps, { serviceAccountId });
  const limit = pageLimit(pageSize);
  const rows = await listKeyRows(deps.db.read, { serviceAccountId, after: after?.id, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, ({ id }) => ({ key: '', id }));
  return { keys: page.items, nextPageToken: page.nextPageToken };
}
