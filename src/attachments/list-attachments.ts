import type { Database } from '../db/database.ts';
import { foreignPageToken } from '../errors.ts';
import { cutPage, pageLimit, readPageToken } from '../lib/page.ts';
import type { Attachment } from './attachment.ts';
import { listAttachmentRows } from './attachment-rows.ts';

export interface ListAttachments {
  readonly folderId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The attachments of a folder that may be used, in order of id. */
export async function listAttachments(
  { db }: { readonly db: Database },
  { folderId, pageSize, pageToken }: ListAttachments,
): Promise<{ attachments: readonly Attachment[]; nextPageToken: string }> {
  const query = ['attachments', folderId];
  const after = readPageToken(query, pageToken, foreignPageToken);
  const limit = pageLimit(pageSize);
  const rows = await listAttachmentRows(db.read, { folderId, afterId: after?.id ?? '', limit: limit + 1 });
  const { items, nextPageToken } = cutPage(rows, limit, query, ({ id }) => ({ key: '', id }));
  return { attachments: items, nextPageToken };
}
