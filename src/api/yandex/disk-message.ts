import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Disk, PlacementPolicy } from '../../disks/disk.ts';
import {
  Disk_Status,
  type Disk as DiskMessage,
  type DiskPlacementPolicy,
  DiskSchema,
} from '../../gen/yandex/cloud/compute/v1/disk_pb.ts';
import { hardwareGenerationMessage } from './hardware-generation-message.ts';

/** The disk as clients see it. The placement policy and the hardware are always there: Terraform reads them unasked. */
export function diskMessage(disk: Disk): DiskMessage {
  const { groupId: placementGroupId, partition } = disk.placementPolicy;
  return create(DiskSchema, {
    id: disk.id,
    folderId: disk.folderId,
    createdAt: timestampFromDate(disk.createdAt),
    name: disk.name,
    description: disk.description,
    labels: { ...disk.labels },
    typeId: disk.typeId,
    zoneId: disk.zoneId,
    size: BigInt(disk.sizeBytes),
    productIds: [...disk.productIds],
    status: Disk_Status[disk.status],
    source: sourceMessage(disk),
    blockSize: BigInt(disk.blockSizeBytes),
    diskPlacementPolicy: { placementGroupId, placementGroupPartition: BigInt(partition) },
    hardwareGeneration: hardwareGenerationMessage(disk.hardwareGeneration),
  });
}

function sourceMessage({ source }: Disk): DiskMessage['source'] {
  if (source === undefined) return { case: undefined };
  return { case: source.kind === 'image' ? 'sourceImageId' : 'sourceSnapshotId', value: source.id };
}

/** No policy where the request says nothing. */
export function placementPolicyOf(message: DiskPlacementPolicy | undefined): PlacementPolicy {
  return {
    groupId: message?.placementGroupId ?? '',
    partition: Number(message?.placementGroupPartition ?? 0n),
  };
}
