import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { diskSizeQuota } from '../quotas/quota.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import type { Disk, PlacementPolicy } from './disk.ts';
import { diskToJson } from './disk-json.ts';
import { claimDiskName, lockDisk, replaceDisk } from './disk-rows.ts';
import { checkDiskSize } from './disk-size.ts';
import { updateDiskKind } from './operation-names.ts';

export interface UpdateDisk {
  readonly diskId: string;
  /** The mask, in the request's own (proto) names. Without one, or with an empty one, every field below is set. */
  readonly paths: readonly string[] | undefined;
  readonly name: string;
  readonly description: string;
  /** Replace the labels, all of them. */
  readonly labels: Readonly<Record<string, string>>;
  /** 0: what it is. */
  readonly sizeBytes: number;
  readonly placementPolicy: PlacementPolicy;
}

const mutableFields = [
  'name',
  'description',
  'labels',
  'size',
  'disk_placement_policy',
  // As Terraform names what it changes.
  'disk_placement_policy.placement_group_id',
  'disk_placement_policy.placement_group_partition',
] as const;
type MutableField = (typeof mutableFields)[number];

/**
 * Changes what may change of a disk, at once. Whoever has it open sees its new size when it is opened again. Throws
 * NOT_FOUND, ALREADY_EXISTS for the name, INVALID_ARGUMENT for a path of the mask or a size below the disk's, and
 * RESOURCE_EXHAUSTED for a size that is more than the cloud may have.
 */
export async function updateDisk(
  deps: { readonly db: Database },
  request: UpdateDisk,
  caller: Caller,
): Promise<Operation> {
  const fields = maskedFields(request.paths, mutableFields);
  return startOnce(deps, caller, async (tx) => {
    const disk = await lockDisk(tx, request.diskId);
    if (disk === undefined) throw notFound('Disk', request.diskId);
    const updated = change(disk, request, fields);
    checkDiskSize(updated.sizeBytes, disk.blockSizeBytes, disk.sizeBytes);
    await claimDiskName(tx, updated, () => replaceDisk(tx, updated));
    const grownBytes = updated.sizeBytes - disk.sizeBytes;
    await assertWithinQuotas(tx, disk.folderId, { [diskSizeQuota(disk.typeId)]: grownBytes });
    return insertFinishedOperation(tx, {
      kind: updateDiskKind,
      folderId: disk.folderId,
      resourceId: disk.id,
      description: 'Update disk',
      createdBy: caller.subjectId,
      result: diskToJson(updated),
    });
  });
}

function change(disk: Disk, request: UpdateDisk, fields: ReadonlySet<MutableField>): Disk {
  const { sizeBytes, placementPolicy } = request;
  const wholePolicy = fields.has('disk_placement_policy');
  const changesGroup = wholePolicy || fields.has('disk_placement_policy.placement_group_id');
  const changesPartition = wholePolicy || fields.has('disk_placement_policy.placement_group_partition');
  return {
    ...disk,
    ...maskedNaming(fields, request),
    ...(fields.has('size') && sizeBytes !== 0 ? { sizeBytes } : {}),
    placementPolicy: {
      groupId: changesGroup ? placementPolicy.groupId : disk.placementPolicy.groupId,
      partition: changesPartition ? placementPolicy.partition : disk.placementPolicy.partition,
    },
  };
}
