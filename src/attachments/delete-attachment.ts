import type { Database } from '../db/database.ts';
import type { Attachment } from './attachment.ts';
import { findAttachment } from './attachment-rows.ts';
import { removeAttachment } from './remove-attachment.ts';

export interface DeleteAttachmentDeps {
  readonly db: Database;
  readonly exports: { revoke(attachment: Attachment): Promise<void> };
}

/**
 * Ends an attachment: its connections are closed, and when this returns all that was written through them is durable. May
 * be repeated, also for one that never was.
 */
export async function deleteAttachment(
  { db, exports }: DeleteAttachmentDeps,
  { attachmentId }: { readonly attachmentId: string },
): Promise<void> {
  // The row goes last: it is the writer's lease, and another writer must find what this one wrote.
  const attachment = await findAttachment(db.read, attachmentId);
  if (attachment === undefined) return;
  await exports.revoke(attachment);
  await db.transact((tx) => removeAttachment(tx, attachmentId));
  await exports.revoke(attachment); // whoever came in between
}
