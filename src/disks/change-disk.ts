import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { diskSizeQuota } from '../quotas/quota.ts';
import { operationOn } from '../resources/operation-on.ts';
import type { Disk, PlacementPolicy } from './disk.ts';
import { diskToJson } from './disk-json.ts';
import { claimDiskName, lockDisk, replaceDisk } from './disk-rows.ts';
import { checkDiskSize } from './disk-size.ts';
import { updateDiskKind } from './operation-names.ts';

/** What may change of a disk. What is not here stays. */
export interface DiskChange {
  readonly name?: string;
  readonly description?: string;
  /** All of them. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly sizeBytes?: number;
  readonly placementPolicy?: Partial<PlacementPolicy>;
}

export interface ChangeDisk {
  readonly diskId: string;
  readonly change: DiskChange;
  /** Looks at the disk in the transaction of the change, and throws when it is not as the caller believed it to be. */
  readonly check?: (disk: Disk) => void;
}

/**
 * Changes what may change of a disk, at once. Whoever has it open sees its new size when it is opened again. The
 * operation's input says which fields were asked for, as `changed`. Throws NOT_FOUND, what `check` throws, ALREADY_EXISTS
 * for the name, INVALID_ARGUMENT for a size below the disk's, and RESOURCE_EXHAUSTED for a size that is more than the
 * cloud may have.
 */
export async function changeDisk(
  deps: { readonly db: Database },
  { diskId, change, check }: ChangeDisk,
  caller: Caller,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    const disk = await lockDisk(tx, diskId);
    if (disk === undefined) throw notFound('Disk', diskId);
    check?.(disk);
    const placementPolicy = { ...disk.placementPolicy, ...change.placementPolicy };
    const changed: Disk = { ...disk, ...change, placementPolicy };
    checkDiskSize(changed.sizeBytes, disk.blockSizeBytes, disk.sizeBytes);
    await claimDiskName(tx, changed, () => replaceDisk(tx, changed));
    const grownBytes = changed.sizeBytes - disk.sizeBytes;
    await assertWithinQuotas(tx, disk.folderId, { [diskSizeQuota(disk.typeId)]: grownBytes });
    return insertFinishedOperation(tx, {
      kind: updateDiskKind,
      ...operationOn(changed),
      description: 'Update disk',
      createdBy: caller.subjectId,
      input: { changed: Object.keys(change) },
      result: diskToJson(changed),
    });
  });
}
