import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, EmptySchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { CloudSchema } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_pb.ts';
import {
  CreateCloudMetadataSchema,
  DeleteCloudMetadataSchema,
  UpdateCloudMetadataSchema,
} from '../../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import { cloudFromJson } from '../../resource-manager/folder-json.ts';
import { createCloudKind, deleteCloudKind, updateCloudKind } from '../../resource-manager/operation-names.ts';
import { cloudMessage } from './cloud-message.ts';
import type { KindMessages } from './kind-messages.ts';

const response = (result: unknown): Any => anyPack(CloudSchema, cloudMessage(cloudFromJson(result)));

/** What operations on clouds carry, by their kind. */
export const cloudOperationMessages: Readonly<Record<string, KindMessages>> = {
  [createCloudKind]: {
    metadata: ({ resourceId: cloudId }) =>
      anyPack(CreateCloudMetadataSchema, create(CreateCloudMetadataSchema, { cloudId })),
    response,
  },
  [updateCloudKind]: {
    metadata: ({ resourceId: cloudId }) =>
      anyPack(UpdateCloudMetadataSchema, create(UpdateCloudMetadataSchema, { cloudId })),
    response,
  },
  [deleteCloudKind]: {
    metadata({ resourceId: cloudId, createdAt }) {
      const metadata = create(DeleteCloudMetadataSchema, { cloudId, deleteAfter: timestampFromDate(createdAt) });
      return anyPack(DeleteCloudMetadataSchema, metadata);
    },
    response: () => anyPack(EmptySchema, create(EmptySchema)),
  },
};
