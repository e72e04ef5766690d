import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import type { DiskPlacementPolicySchema } from '../../gen/yandex/cloud/compute/v1/disk_pb.ts';
import { readFlag } from '../flags.ts';

export interface PlacementFlags {
  readonly diskPlacementGroupId?: string;
  readonly diskPlacementGroupPartition?: number;
}

export function addPlacementFlags(command: Command): Command {
  return command
    .option('--disk-placement-group-id <id>', 'placement group; kept and shown, no more')
    .option('--disk-placement-group-partition <number>', 'partition of the placement group', readFlag.limit);
}

/** Undefined when no flag says anything of it. */
export function placementPolicyOf({
  diskPlacementGroupId: placementGroupId,
  diskPlacementGroupPartition: partition,
}: PlacementFlags): MessageInitShape<typeof DiskPlacementPolicySchema> | undefined {
  if (placementGroupId === undefined && partition === undefined) return undefined;
  return { placementGroupId: placementGroupId ?? '', placementGroupPartition: BigInt(partition ?? 0) };
}
