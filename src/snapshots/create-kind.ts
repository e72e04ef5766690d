import type { Transaction } from '../db/database.ts';
import { frozenContentFromJson } from '../disks/frozen-content.ts';
import { commitDiskContent, type StoreDiskContentDeps, storeDiskContent } from '../disks/store-disk-content.ts';
import { notFound } from '../errors.ts';
import type { JsonValue } from '../lib/json.ts';
import type { Commit, OperationContext, OperationKind } from '../operations/kind.ts';
import type { OperationInput } from '../operations/operation.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { releaseVolumeWriter } from '../volumes/seal.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import type { WrittenVolume } from '../volumes/write-volume.ts';
import { discardSnapshot } from './discard-snapshot.ts';
import { createSnapshotKind } from './operation-names.ts';
import type { Snapshot } from './snapshot.ts';
import { snapshotToJson } from './snapshot-json.ts';
import { findSnapshot, lockSnapshot, replaceSnapshot } from './snapshot-rows.ts';

export interface CreateSnapshotKindDeps extends StoreDiskContentDeps {
  /** There may be something to collect. */
  readonly onGarbage: () => void;
}

/** How operations that store a snapshot are run. One that fails or is cancelled takes its snapshot away. */
export function createSnapshotCreation(deps: CreateSnapshotKindDeps): OperationKind {
  const release = async ({ input, resourceId }: OperationInput): Promise<void> => {
    const { frozenId, nodeId } = frozenContentFromJson(input);
    if (frozenId === undefined) return;
    const snapshot = await findSnapshot(deps.store.db.read, resourceId);
    await deps.contents.release({ frozenId, nodeId }, snapshot?.volume);
  };
  return {
    name: createSnapshotKind,
    run: (context) => storeSnapshot(deps, context),
    async abandon(tx, { id, resourceId }) {
      await discardSnapshot(tx, resourceId);
      await releaseVolumeWriter(tx, id);
    },
    async cleanUp(operation) {
      await release(operation);
      deps.onGarbage();
    },
    onDone(operation) {
      release(operation).catch((error: unknown) => {
        const facts = { err: error, operationId: operation.id };
        deps.store.log.warn(facts, 'what was frozen of a disk stays until the next start');
      });
    },
  };
}

async function storeSnapshot(deps: CreateSnapshotKindDeps, context: OperationContext): Promise<Commit> {
  const { operation } = context;
  const written = await storeDiskContent(deps, context, frozenContentFromJson(operation.input), () => {});
  return (tx) => seal(tx, operation.resourceId, written);
}

/**
 * Volume, snapshot READY and operation done become true in one transaction. Throws RESOURCE_EXHAUSTED when its stored bytes
 * are more than the cloud may have.
 */
async function seal(tx: Transaction, snapshotId: string, written: WrittenVolume): Promise<JsonValue> {
  const snapshot = await lockSnapshot(tx, snapshotId);
  if (snapshot === undefined) throw notFound('Snapshot', snapshotId);
  const { storedBytes, ...volume } = await commitDiskContent(tx, written, snapshotId);
  await addVolumeReference(tx, snapshotId, volume.volumeId);
  const content = { volume, diskSizeBytes: volume.sizeBytes, storageSizeBytes: storedBytes };
  const sealed: Snapshot = { ...snapshot, ...content, status: 'READY' };
  await replaceSnapshot(tx, sealed);
  await assertWithinQuotas(tx, sealed.folderId, { 'compute.snapshots.size': storedBytes });
  return snapshotToJson(sealed);
}
