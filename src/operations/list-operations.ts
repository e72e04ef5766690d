import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import type { Operation } from './operation.ts';
import { listRows, toOperation } from './operation-rows.ts';

export interface ListOperations {
  readonly resourceId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on a resource, newest first; none for a resource that never was. */
export async function listOperations(
  { db }: { readonly db: Database },
  { resourceId, pageSize, pageToken }: ListOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  const query = ['operations', resourceId];
  const after = readPageToken(query, pageToken, foreignPageToken);
  const limit = pageLimit(pageSize);
  const rows = await listRows(db.read, { resourceId, after, limit: limit + 1 });
  const page = cutPage(rows, limit, query, ({ created_at, id }) => ({ key: String(created_at), id }));
  return { operations: page.items.map(toOperation), nextPageToken: page.nextPageToken };
}
