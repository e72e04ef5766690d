import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, EmptySchema } from '@bufbuild/protobuf/wkt';
import { diskFromJson } from '../../disks/disk-json.ts';
import {
  createDiskKind,
  deleteDiskKind,
  moveDiskKind,
  relocateDiskKind,
  updateDiskKind,
} from '../../disks/operation-names.ts';
import { DiskSchema } from '../../gen/yandex/cloud/compute/v1/disk_pb.ts';
import {
  CreateDiskMetadataSchema,
  DeleteDiskMetadataSchema,
  MoveDiskMetadataSchema,
  RelocateDiskMetadataSchema,
  UpdateDiskMetadataSchema,
} from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { objectOf, stringOf } from '../../lib/json.ts';
import { diskMessage } from './disk-message.ts';
import type { KindMessages } from './kind-messages.ts';

const response = (result: unknown): Any => anyPack(DiskSchema, diskMessage(diskFromJson(result)));

/** What operations on disks carry, by their kind. */
export const diskOperationMessages: Readonly<Record<string, KindMessages>> = {
  [createDiskKind]: {
    metadata: ({ resourceId: diskId }) =>
      anyPack(CreateDiskMetadataSchema, create(CreateDiskMetadataSchema, { diskId })),
    response,
  },
  [updateDiskKind]: {
    metadata: ({ resourceId: diskId }) =>
      anyPack(UpdateDiskMetadataSchema, create(UpdateDiskMetadataSchema, { diskId })),
    response,
  },
  [deleteDiskKind]: {
    metadata: ({ resourceId: diskId }) =>
      anyPack(DeleteDiskMetadataSchema, create(DeleteDiskMetadataSchema, { diskId })),
    response: () => anyPack(EmptySchema, create(EmptySchema)),
  },
  [moveDiskKind]: {
    metadata({ resourceId: diskId, input }) {
      const moved = objectOf(input, 'input of disk.move');
      const sourceFolderId = stringOf(moved, 'sourceFolderId');
      const destinationFolderId = stringOf(moved, 'destinationFolderId');
      const metadata = create(MoveDiskMetadataSchema, { diskId, sourceFolderId, destinationFolderId });
      return anyPack(MoveDiskMetadataSchema, metadata);
    },
    response,
  },
  [relocateDiskKind]: {
    metadata({ resourceId: diskId, input }) {
      const relocated = objectOf(input, 'input of disk.relocate');
      const sourceZoneId = stringOf(relocated, 'sourceZoneId');
      const destinationZoneId = stringOf(relocated, 'destinationZoneId');
      const metadata = create(RelocateDiskMetadataSchema, { diskId, sourceZoneId, destinationZoneId });
      return anyPack(RelocateDiskMetadataSchema, metadata);
    },
    response,
  },
};
