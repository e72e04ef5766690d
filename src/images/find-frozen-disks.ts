import type { Queryable } from '../db/database.ts';
import type { FrozenDisk } from '../disks/disk-contents.ts';
import { type FrozenContent, frozenContentFromJson } from '../disks/frozen-content.ts';
import { parseJson } from '../lib/json.ts';
import { createSnapshotKind } from '../snapshots/operation-names.ts';
import { createImageKind } from './operation-names.ts';
import { readDiskInput } from './store-disk-image.ts';

/** What operations that are not over have frozen of the disks of a node, or of all disks. */
export async function findFrozenDisks(db: Queryable, nodeId?: string): Promise<FrozenDisk[]> {
  const rows = await db
    .selectFrom('operations')
    .select(['kind', 'input'])
    .where('state', '<>', 'done')
    .where('kind', 'in', [createImageKind, createSnapshotKind])
    .execute();
  return rows.flatMap(({ kind, input }) => {
    const content: FrozenContent | undefined =
      kind === createImageKind ? readDiskInput(parseJson(input)) : frozenContentFromJson(parseJson(input));
    const isThere = nodeId === undefined || content?.nodeId === nodeId || content?.nodeId === '';
    return content?.frozenId === undefined || !isThere ? [] : [{ ...content, frozenId: content.frozenId }];
  });
}
