import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, EmptySchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { FolderSchema } from '../../gen/yandex/cloud/resourcemanager/v1/folder_pb.ts';
import {
  CreateFolderMetadataSchema,
  DeleteFolderMetadataSchema,
  UpdateFolderMetadataSchema,
} from '../../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import { folderFromJson } from '../../resource-manager/folder-json.ts';
import { createFolderKind, deleteFolderKind, updateFolderKind } from '../../resource-manager/operation-names.ts';
import { folderMessage } from './folder-message.ts';
import type { KindMessages } from './kind-messages.ts';

const response = (result: unknown): Any => anyPack(FolderSchema, folderMessage(folderFromJson(result)));

/** What operations on folders carry, by their kind. */
export const folderOperationMessages: Readonly<Record<string, KindMessages>> = {
  [createFolderKind]: {
    metadata: ({ resourceId: folderId }) =>
      anyPack(CreateFolderMetadataSchema, create(CreateFolderMetadataSchema, { folderId })),
    response,
  },
  [updateFolderKind]: {
    metadata: ({ resourceId: folderId }) =>
      anyPack(UpdateFolderMetadataSchema, create(UpdateFolderMetadataSchema, { folderId })),
    response,
  },
  [deleteFolderKind]: {
    metadata({ resourceId: folderId, createdAt }) {
      const metadata = create(DeleteFolderMetadataSchema, { folderId, deleteAfter: timestampFromDate(createdAt) });
      return anyPack(DeleteFolderMetadataSchema, metadata);
    },
    response: () => anyPack(EmptySchema, create(EmptySchema)),
  },
};
