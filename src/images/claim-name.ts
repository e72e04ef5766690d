import type { Transaction } from '../db/database.ts';
import { DatabaseFailed } from '../db/database-failed.ts';
import { nameTaken } from '../errors.ts';
import type { Image } from './image.ts';
import { findImageByName } from './image-rows.ts';

/**
 * Writes a row that gives `image` its name. Throws ALREADY_EXISTS when another image of the folder has it, also when
 * that one comes from another process at the same moment: then the unique index says so.
 */
export async function claimName(tx: Transaction, image: Image, write: () => Promise<void>): Promise<void> {
  const holder = image.name === '' ? undefined : await findImageByName(tx, image);
  if (holder !== undefined && holder.id !== image.id) throw nameTaken('Image', image.name);
  try {
    await write();
  } catch (error) {
    if (error instanceof DatabaseFailed && error.isConstraint && image.name !== '') {
      throw nameTaken('Image', image.name);
    }
    throw error;
  }
}
