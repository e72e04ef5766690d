import type { Transaction } from '../db/database.ts';
import type { OperationContext } from '../operations/kind.ts';
import { assertLease, type Lease, saveCheckpoint } from '../operations/lease.ts';
import { assertRoomInQuota } from '../quotas/check-quotas.ts';
import type { Source } from '../sources/source.ts';
import { SourceFailed } from '../sources/source-failed.ts';
import { isVerifiable, type SourceIdentity } from '../sources/source-identity.ts';
import { dropAllSegmentCheckpoints, sumStoredBytes } from '../volumes/import-segment-rows.ts';
import type { Store } from '../volumes/store.ts';
import { type ImportCheckpoint, writeImportCheckpoint } from './import-checkpoint.ts';

/**
 * Names the one version of a file, where its server tells versions apart: what was made of it may then be used again by
 * a later run.
 */
export function keyOf(identity: SourceIdentity): string | undefined {
  return isVerifiable(identity) ? JSON.stringify(identity) : undefined;
}

/**
 * What to write with each checkpoint of the volume: of which file it is, and how far it came. Only beyond what was ever
 * durable is new ground, where crashes before it are forgiven; what is stored again forgives nothing. Throws RESOURCE_EXHAUSTED
 * as soon as what is stored is more than the cloud may have: not only when all of it is.
 */
export function keepCheckpoints(
  { id, folderId }: OperationContext['operation'],
  lease: Lease,
  source: SourceIdentity,
  earlier: ImportCheckpoint | undefined,
): (tx: Transaction, doneBytes: number) => Promise<void> {
  const furthestBefore = earlier?.furthestBytes ?? 0;
  return async (tx, doneBytes) => {
    const checkpoint = writeImportCheckpoint({ source, furthestBytes: Math.max(furthestBefore, doneBytes) });
    await saveCheckpoint(tx, lease, checkpoint, { isNewGround: doneBytes > furthestBefore });
    await assertRoomInQuota(tx, folderId, 'compute.images.size', await sumStoredBytes(tx, id));
  };
}

/**
 * Opens the source, holding it against what an earlier run read from. A source that has nothing to compare, and of which
 * no whole copy was kept, can't be shown to be the same: then what was stored of it is forgotten and the import starts
 * over; the chunks are still there and are not stored twice.
 */
export async function openSourceAgain(
  store: Store,
  { operation, lease }: OperationContext,
  expected: SourceIdentity | undefined,
  open: (expected: SourceIdentity | undefined) => Promise<Source>,
): Promise<Source> {
  try {
    return await open(expected);
  } catch (error) {
    const isUnknowable = expected !== undefined && !isVerifiable(expected);
    if (!isUnknowable || !(error instanceof SourceFailed) || error.kind !== 'changed') throw error;
  }
  store.log.info({ operationId: operation.id }, 'the source has neither ETag nor Last-Modified: starting over');
  await store.db.transact(async (tx) => {
    await assertLease(tx, lease);
    await dropAllSegmentCheckpoints(tx, operation.id);
  });
  return await open(undefined);
}
