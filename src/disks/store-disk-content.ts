import type { Transaction } from '../db/database.ts';
import { dedupDomainOf } from '../folders/dedup-domain.ts';
import type { FairBudget } from '../lib/fair-budget.ts';
import type { OperationContext } from '../operations/kind.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import { explainStorageFailure } from '../resources/storage-lied.ts';
import { storeInTurn } from '../resources/store-in-turn.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import type { Store } from '../volumes/store.ts';
import { storeGuestBytes } from '../volumes/store-guest.ts';
import { removeVolumeReference } from '../volumes/volume-rows.ts';
import { type WrittenVolume, writeVolume } from '../volumes/write-volume.ts';
import type { DiskContents } from './disk-contents.ts';
import { type FrozenContent, openFrozenContent } from './frozen-content.ts';

export interface StoreDiskContentDeps {
  readonly store: Store;
  readonly contents: DiskContents;
  /** What all imports together may hold in memory; storing a disk is one of them. */
  readonly memory: FairBudget;
}

/**
 * Stores what a disk held as a volume, in the name of the operation. May be run again after any interruption, and goes on
 * where the last run was durable. Content that the disk's base has lost is DATA_LOSS.
 */
export async function storeDiskContent(
  deps: StoreDiskContentDeps,
  context: OperationContext,
  content: FrozenContent,
  onProgress: (guestBytes: number) => void,
): Promise<WrittenVolume> {
  const { store, memory } = deps;
  const { operation, lease } = context;
  const domainId = await dedupDomainOf(store.db.read, operation.folderId);
  try {
    return await storeInTurn(memory, context, { cloudId: domainId, bytes: storeGuestBytes }, async (signal) => {
      await using reader = await openFrozenContent(deps, content);
      return await writeVolume(store, { domainId, lease, reader, signal, onProgress });
    });
  } catch (error) {
    context.signal.throwIfAborted();
    throw explainStorageFailure(error);
  }
}

/** What the volume is once it is committed. */
export interface StoredContent extends HeldVolume {
  /** Stored bytes as if it stood alone. */
  readonly storedBytes: number;
}

/**
 * Makes the volume, and ends the hold that `holderId` had on the disk's base until now: the caller gives it one on the
 * volume, in this same transaction, which is the operation's commit.
 */
export async function commitDiskContent(
  tx: Transaction,
  written: WrittenVolume,
  holderId: string,
): Promise<StoredContent> {
  const {
    id: volumeId,
    sizeBytes,
    storedBytes,
    guestDigest,
  } = await written.commit(tx).catch((error: unknown) => {
    throw explainStorageFailure(error);
  });
  await removeVolumeReference(tx, holderId);
  return { volumeId, sizeBytes, storedBytes, guestDigest: hexOf(guestDigest) };
}
