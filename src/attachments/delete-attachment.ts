import type { Database } from '../db/database.ts';
import { removeAttachment } from './remove-attachment.ts';

export interface DeleteAttachmentDeps {
  readonly db: Database;
  readonly exports: { revoke(attachmentId: string): Promise<void> };
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
  await exports.revoke(attachmentId);
  await db.transact((tx) => removeAttachment(tx, attachmentId));
  await exports.revoke(attachmentId); // whoever came in between
}
