import { sql } from 'kysely';
import type { Queryable } from '../db/database.ts';
import type { PooledVolume } from '../pool/pooled-volume.ts';
import { hexOf } from '../volumes/chunk-id.ts';

/** More images than this are not kept ready: the newest are. */
const imagesMax = 1000;

/** The volumes of images that are to be kept ready, those of the newest images first. */
export async function findPooledVolumes(db: Queryable): Promise<PooledVolume[]> {
  const rows = await db
    .selectFrom('images')
    .innerJoin('volumes', 'volumes.id', 'images.volume_id')
    .select(['images.id', 'images.name', 'images.folder_id', 'images.created_at'])
    .select(['images.volume_id', 'volumes.root_id', 'volumes.size'])
    .where(sql<boolean>`pooled = 1`) // the condition of the index, in its own words
    .where('status', '=', 'READY')
    .orderBy('images.created_at', 'desc')
    .orderBy('images.id', 'desc')
    .limit(imagesMax)
    .execute();
  const byVolume = Map.groupBy(rows, (row) => row.volume_id ?? '');
  return [...byVolume].flatMap(([volumeId, [first, ...others]]) => {
    if (first === undefined) return [];
    const images = [first, ...others].map(({ id, name, folder_id }) => ({ id, name, folderId: folder_id }));
    return [{ volumeId, contentId: hexOf(first.root_id), sizeBytes: first.size, createdAt: first.created_at, images }];
  });
}
