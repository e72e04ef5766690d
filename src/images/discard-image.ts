import { deleteAccessBindingsOf } from '../access/access-binding-rows.ts';
import type { Transaction } from '../db/database.ts';
import { removeVolumeReference } from '../volumes/volume-rows.ts';
import { deleteImageRow } from './image-rows.ts';

/**
 * Removes the image from sight: its name is free, and its volume is garbage unless others need it. Undoes the rows of
 * an import that failed or was cancelled, too. May be repeated.
 */
export async function discardImage(tx: Transaction, imageId: string): Promise<void> {
  await removeVolumeReference(tx, imageId);
  await deleteAccessBindingsOf(tx, imageId);
  await deleteImageRow(tx, imageId);
}
