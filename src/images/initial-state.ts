import type { Database, Transaction } from '../db/database.ts';
import { invalidField } from '../errors.ts';
import { type JsonObject, type JsonValue, parseJson } from '../lib/json.ts';

/**
 * What the firmware of a machine begins with that is started from an image: keys and certificates, in JSON that only
 * clients read. Beside the images, so that lists needn't read it.
 */

/** Lists of revoked certificates, the longest part of it, have about 32 KiB. */
const maxLength = 128 * 1024;

/** Throws INVALID_ARGUMENT when it is too much to keep. */
export function checkInitialState(state: JsonObject): void {
  const { length } = JSON.stringify(state);
  if (length <= maxLength) return;
  throw invalidField('initial_state', `has ${length} characters as JSON; there may be ${maxLength}`);
}

export async function insertInitialState(tx: Transaction, imageId: string, state: JsonObject): Promise<void> {
  const row = { image_id: imageId, state: JSON.stringify(state) };
  await tx.insertInto('image_initial_states').values(row).execute();
}

/** By image; images that have none are not in it. At most a list's page of ids. */
export async function getInitialStates(
  { db }: { readonly db: Database },
  { imageIds }: { readonly imageIds: readonly string[] },
): Promise<ReadonlyMap<string, JsonValue>> {
  if (imageIds.length === 0) return new Map();
  const rows = await db.read
    .selectFrom('image_initial_states')
    .select(['image_id', 'state'])
    .where('image_id', 'in', imageIds)
    .execute();
  return new Map(rows.map(({ image_id, state }) => [image_id, parseJson(state)]));
}
