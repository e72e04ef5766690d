import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  Snapshot_Status,
  type Snapshot as SnapshotMessage,
  SnapshotSchema,
} from '../../gen/yandex/cloud/compute/v1/snapshot_pb.ts';
import type { Snapshot } from '../../snapshots/snapshot.ts';
import { hardwareGenerationMessage } from './hardware-generation-message.ts';

/** The snapshot as clients see it. The hardware is always there: Terraform reads it unasked. */
export function snapshotMessage(snapshot: Snapshot): SnapshotMessage {
  return create(SnapshotSchema, {
    id: snapshot.id,
    folderId: snapshot.folderId,
    createdAt: timestampFromDate(snapshot.createdAt),
    name: snapshot.name,
    description: snapshot.description,
    labels: { ...snapshot.labels },
    storageSize: BigInt(snapshot.storageSizeBytes),
    diskSize: BigInt(snapshot.diskSizeBytes),
    productIds: [...snapshot.productIds],
    status: Snapshot_Status[snapshot.status],
    sourceDiskId: snapshot.sourceDiskId,
    hardwareGeneration: hardwareGenerationMessage(snapshot.hardwareGeneration),
  });
}
