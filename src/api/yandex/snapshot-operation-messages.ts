import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, EmptySchema } from '@bufbuild/protobuf/wkt';
import { frozenContentFromJson } from '../../disks/frozen-content.ts';
import { SnapshotSchema } from '../../gen/yandex/cloud/compute/v1/snapshot_pb.ts';
import {
  CreateSnapshotMetadataSchema,
  DeleteSnapshotMetadataSchema,
  UpdateSnapshotMetadataSchema,
} from '../../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import { createSnapshotKind, deleteSnapshotKind, updateSnapshotKind } from '../../snapshots/operation-names.ts';
import { snapshotFromJson } from '../../snapshots/snapshot-json.ts';
import type { KindMessages } from './kind-messages.ts';
import { snapshotMessage } from './snapshot-message.ts';

const response = (result: unknown): Any => anyPack(SnapshotSchema, snapshotMessage(snapshotFromJson(result)));

/** What operations on snapshots carry, by their kind. */
export const snapshotOperationMessages: Readonly<Record<string, KindMessages>> = {
  [createSnapshotKind]: {
    metadata({ resourceId: snapshotId, input }) {
      const { diskId } = frozenContentFromJson(input);
      return anyPack(CreateSnapshotMetadataSchema, create(CreateSnapshotMetadataSchema, { snapshotId, diskId }));
    },
    response,
  },
  [updateSnapshotKind]: {
    metadata: ({ resourceId: snapshotId }) =>
      anyPack(UpdateSnapshotMetadataSchema, create(UpdateSnapshotMetadataSchema, { snapshotId })),
    response,
  },
  [deleteSnapshotKind]: {
    metadata: ({ resourceId: snapshotId }) =>
      anyPack(DeleteSnapshotMetadataSchema, create(DeleteSnapshotMetadataSchema, { snapshotId })),
    response: () => anyPack(EmptySchema, create(EmptySchema)),
  },
};
