import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { Attachment } from './attachment.ts';
import { findAttachment } from './attachment-rows.ts';

/** Throws NOT_FOUND. */
export async function getAttachment(
  { db }: { readonly db: Database },
  { attachmentId }: { readonly attachmentId: string },
): Promise<Attachment> {
  const attachment = await findAttachment(db.read, attachmentId);
  if (attachment === undefined) throw notFound('Attachment', attachmentId);
  return attachment;
}
