import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import type { AuditRecord } from './audit-record.ts';
import { type AuditQuery, listAuditRows } from './audit-rows.ts';

export interface ListAuditRecords extends AuditQuery {
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** Newest first, page by page: what comes meanwhile moves nothing. Throws INVALID_ARGUMENT for a token of another list. */
export async function listAuditRecords(
  { db }: { readonly db: Database },
  { pageSize, pageToken, ...query }: ListAuditRecords,
): Promise<{ records: readonly AuditRecord[]; nextPageToken: string }> {
  const { since, until, subjectId, method, resourceId, folderId, cloudId } = query;
  const times = [since, until].map((time) => String(time?.getTime() ?? ''));
  const asked = ['audit', ...times, subjectId, method, resourceId, folderId, cloudId];
  const after = readPageToken(asked, pageToken, () =>
    foreignPageToken(': the filters must stay the same from page to page'),
  );
  const limit = pageLimit(pageSize);
  const rows = await listAuditRows(db.read, query, { after, limit: limit + 1 });
  const page = cutPage(rows, limit, asked, ({ at, id }) => ({ key: String(at.getTime()), id: String(id) }));
  return { records: page.items, nextPageToken: page.nextPageToken };
}
