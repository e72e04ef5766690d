import { sql } from 'kysely';
import type { Queryable } from '../db/database.ts';

/** What a holder of content is called in findings. */
export type HolderNoun = 'image' | 'disk' | 'snapshot';

/**
 * Everything that has content, as rows of (noun, id, folder_id, volume_id, size, guest_digest), the last two of the volume
 * that it should hold: images and snapshots that are READY, and disks that did not begin blank.
 */
export function contentHolders(db: Queryable) {
  const images = db
    .selectFrom('images')
    .select([sql<HolderNoun>`'image'`.as('noun'), 'id', 'folder_id', 'volume_id', 'size', 'guest_digest'])
    .where('status', '=', 'READY');
  const disks = db
    .selectFrom('disks')
    .select([sql<HolderNoun>`'disk'`.as('noun'), 'id', 'folder_id', 'volume_id', 'volume_size as size'])
    .select('volume_digest as guest_digest')
    .where('volume_id', 'is not', null);
  const snapshots = db
    .selectFrom('snapshots')
    .select([sql<HolderNoun>`'snapshot'`.as('noun'), 'id', 'folder_id', 'volume_id', 'disk_size as size'])
    .select('guest_digest')
    .where('status', '=', 'READY');
  return db.selectFrom(images.unionAll(disks).unionAll(snapshots).as('holders'));
}
