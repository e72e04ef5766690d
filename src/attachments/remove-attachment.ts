import type { Transaction } from '../db/database.ts';
import { removeVolumeReference } from '../volumes/volume-rows.ts';
import { deleteAttachmentRow } from './attachment-rows.ts';

/** Takes an attachment away, and its hold on its content. May be repeated. */
export async function removeAttachment(tx: Transaction, id: string): Promise<void> {
  await deleteAttachmentRow(tx, id);
  await removeVolumeReference(tx, id);
}
