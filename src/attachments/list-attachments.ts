import type { Database } from '../db/database.ts';
import { invalidField } from '../errors.ts';
import { cutPage, decodePageToken, pageLimit } from '../lib/page.ts';
import { type Attachment, isExpired } from './attachment.ts';
import { listAttachmentRows } from './attachment-rows.ts';

export interface ListAttachments {
  readonly folderId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The attachments of a folder, in order of id; a page may be shorter for those that were not used in time. */
export async function listAttachments(
  { db }: { readonly db: Database },
  { folderId, pageSize, pageToken }: ListAttachments,
): Promise<{ attachments: readonly Attachment[]; nextPageToken: string }> {
  const query = ['attachments', folderId];
  const after = pageToken === '' ? undefined : decodePageToken(query, pageToken);
  if (pageToken !== '' && after === undefined) throw invalidField('page_token', 'is not a token of this list');
  const limit = pageLimit(pageSize);
  const rows = await listAttachmentRows(db.read, { folderId, afterId: after?.id ?? '', limit: limit + 1 });
  const { items, nextPageToken } = cutPage(rows, limit, query, ({ id }) => ({ key: '', id }));
  return { attachments: items.filter((one) => !isExpired(one, Date.now())), nextPageToken };
}
