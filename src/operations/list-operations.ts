import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import type { Operation } from './operation.ts';
import {
  type FolderScope,
  listLengths,
  listRows,
  type OperationsQuery,
  type OperationsScope,
  toOperation,
} from './operation-rows.ts';

export interface ListOperations {
  readonly resourceId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

export interface OperationsPage {
  readonly operations: readonly Operation[];
  /** '' at the end of the list. */
  readonly nextPageToken: string;
}

/** gRPC clients take replies of 4 MiB, and what an operation on access bindings keeps may be 300 KiB by itself. */
const maxPageLength = 1024 * 1024;

/**
 * The operations on a resource, newest first; none for a resource that never was. A page may be shorter than was asked for
 * when its operations are large.
 */
export async function listOperations(
  deps: { readonly db: Database },
  { resourceId, ...page }: ListOperations,
): Promise<OperationsPage> {
  return pageOf(deps, { resourceId }, ['operations', resourceId], page);
}

export interface ListOperationsInFolder extends FolderScope {
  readonly pageSize: number;
  readonly pageToken: string;
}

/**
 * The operations in a folder, newest first, as listOperations; none in a folder that never was. They outlive what they
 * are on. Throws INVALID_ARGUMENT for a page token of another folder or choice.
 */
export async function listOperationsInFolder(
  deps: { readonly db: Database },
  { pageSize, pageToken, ...scope }: ListOperationsInFolder,
): Promise<OperationsPage> {
  const asked = [scope.folderId, JSON.stringify([scope.nouns, scope.zoneId])];
  return pageOf(deps, scope, ['operations in folder', ...asked], { pageSize, pageToken });
}

async function pageOf(
  { db }: { readonly db: Database },
  scope: OperationsScope,
  asked: readonly string[],
  { pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string },
): Promise<OperationsPage> {
  const after = readPageToken(asked, pageToken, foreignPageToken);
  const limit = await countFitting(db, { scope, after, limit: pageLimit(pageSize) });
  const rows = await listRows(db.read, { scope, after, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, ({ created_at, id }) => ({ key: String(created_at), id }));
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
