import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { folderScope } from '../../access/scope.ts';
import type { Folder } from '../../folders/folder.ts';
import {
  Folder_Status,
  type Folder as FolderMessage,
  FolderSchema,
} from '../../gen/yandex/cloud/resourcemanager/v1/folder_pb.ts';
import {
  FolderService,
  ListFoldersResponseSchema,
} from '../../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** What the service calls, with what it needs already bound; see folders/. */
export interface FolderFunctions {
  getFolder(request: { folderId: string }): Promise<Folder>;
  listFolders(request: {
    cloudId: string;
    pageSize: number;
    pageToken: string;
    filter: string;
  }): Promise<{ folders: readonly Folder[]; nextPageToken: string }>;
}

export function folderService({ getFolder, listFolders }: FolderFunctions): ApiService {
  return authenticatedService(FolderService, {
    async get({ folderId }, { authorize }) {
      await authorize(folderScope(folderId));
      return folderMessage(await getFolder({ folderId }));
    },

    async list({ cloudId, pageSize, pageToken, filter }, { authorize }) {
      await authorize({ cloudId });
      const { folders, nextPageToken } = await listFolders({ cloudId, pageSize: Number(pageSize), pageToken, filter });
      return create(ListFoldersResponseSchema, { folders: folders.map(folderMessage), nextPageToken });
    },
  });
}

function folderMessage({ createdAt, labels, status, ...folder }: Folder): FolderMessage {
  return create(FolderSchema, {
    ...folder,
    createdAt: timestampFromDate(createdAt),
    labels: { ...labels },
    status: Folder_Status[status],
  });
}
