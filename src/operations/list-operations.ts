import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import type { Operation } from './operation.ts';
import { listLengths, listRows, type OperationsQuery, toOperation } from './operation-rows.ts';

export interface ListOperations {
  readonly resourceId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** gRPC clients take replies of 4 MiB, and what an operation on access bindings keeps may be 300 KiB by itself. */
const maxPageLength = 1024 * 1024;

/**
 * The operations on a resource, newest first; none for a resource that never was. A page may be shorter than was asked for
 * when its operations are large.
 */
export async function listOperations(
  { db }: { readonly db: Database },
  { resourceId, pageSize, pageToken }: ListOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  const query = ['operations', resourceId];
  const after = readPageToken(query, pageToken, foreignPageToken);
  const limit = await countFitting(db, { resourceId, after, limit: pageLimit(pageSize) });
  const rows = await listRows(db.read, { resourceId, after, limit: limit + 1 });
  const page = cutPage(rows, limit, query, ({ created_at, id }) => ({ key: String(created_at), id }));
  return { operations: page.items.map(toOperation), nextPageToken: page.nextPageToken };
}

/** How many operations fit on a page: one at least, so that every page leads on. */
async function countFitting({ read }: Database, query: OperationsQuery): Promise<number> {
  let total = 0;
  const lengths = await listLengths(read, query);
  const tooMany = lengths.findIndex((length) => {
    total += length;
    return total > maxPageLength;
  });
  return tooMany < 0 ? query.limit : Math.max(1, tooMany);
}
