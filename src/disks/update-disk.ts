import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import type { Operation } from '../operations/operation.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import { changeDisk, type DiskChange } from './change-disk.ts';
import type { PlacementPolicy } from './disk.ts';

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

/** Changes what the mask names. Throws as changeDisk, and INVALID_ARGUMENT for a path of the mask. */
export async function updateDisk(
  deps: { readonly db: Database },
  request: UpdateDisk,
  caller: Caller,
): Promise<Operation> {
  const fields = maskedFields(request.paths, mutableFields);
  return changeDisk(deps, { diskId: request.diskId, change: changeOf(request, fields) }, caller);
}

function changeOf(request: UpdateDisk, fields: ReadonlySet<MutableField>): DiskChange {
  const { sizeBytes, placementPolicy } = request;
  const wholePolicy = fields.has('disk_placement_policy');
  const changesGroup = wholePolicy || fields.has('disk_placement_policy.placement_group_id');
  const changesPartition = wholePolicy || fields.has('disk_placement_policy.placement_group_partition');
  const policy = {
    ...(changesGroup ? { groupId: placementPolicy.groupId } : {}),
    ...(changesPartition ? { partition: placementPolicy.partition } : {}),
  };
  return {
    ...maskedNaming(fields, request),
    ...(fields.has('size') && sizeBytes !== 0 ? { sizeBytes } : {}),
    ...(changesGroup || changesPartition ? { placementPolicy: policy } : {}),
  };
}
