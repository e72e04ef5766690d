import { create } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import { folderScope } from '../../access/scope.ts';
import type { Subject } from '../../access/subject.ts';
import type { Folder } from '../../folders/folder.ts';
import type { ListFolders } from '../../folders/list-folders.ts';
import {
  FolderService,
  ListFolderOperationsResponseSchema,
  ListFoldersResponseSchema,
} from '../../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import type { CreateFolder } from '../../resource-manager/create-folder.ts';
import type { ListFolderOperations } from '../../resource-manager/list-folder-operations.ts';
import type { UpdateFolder } from '../../resource-manager/update-folder.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { accessBindingHandlers, type BindingFunctions } from './access-binding-handlers.ts';
import { folderMessage } from './folder-message.ts';
import { operationMessage } from './operation-message.ts';

/** What the service calls, with what it needs already bound; see folders/ and resource-manager/. */
export interface FolderFunctions {
  getFolder(request: { folderId: string }): Promise<Folder>;
  /** Those that the subject may see. */
  listFolders(request: ListFolders, subject: Subject): Promise<{ folders: readonly Folder[]; nextPageToken: string }>;
  createFolder(request: CreateFolder, caller: Caller): Promise<Operation>;
  updateFolder(request: UpdateFolder, caller: Caller): Promise<Operation>;
  deleteFolder(request: { folderId: string }, caller: Caller): Promise<Operation>;
  listFolderOperations(
    request: ListFolderOperations,
  ): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
}

export function folderService(folders: FolderFunctions, bindings: BindingFunctions): ApiService {
  const find = async (folderId: string, authorize: Authorize): Promise<Folder> => {
    await authorize(folderScope(folderId));
    return await folders.getFolder({ folderId });
  };
  return authenticatedService(FolderService, {
    async get({ folderId }, { authorize }) {
      return folderMessage(await find(folderId, authorize));
    },

    async list({ cloudId, pageSize, pageToken, filter }, { subject }) {
      const request = { cloudId, pageSize: Number(pageSize), pageToken, filter };
      const page = await folders.listFolders(request, subject);
      return create(ListFoldersResponseSchema, {
        folders: page.folders.map(folderMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    async create({ cloudId, name, description, labels }, { authorize, caller }) {
      await authorize({ cloudId });
      return operationMessage(await folders.createFolder({ cloudId, name, description, labels }, caller));
    },

    async update({ folderId, updateMask, name, description, labels }, { authorize, caller }) {
      await find(folderId, authorize);
      const change = { folderId, paths: updateMask?.paths, name, description, labels };
      return operationMessage(await folders.updateFolder(change, caller));
    },

    async delete({ folderId }, { authorize, caller }) {
      await find(folderId, authorize);
      return operationMessage(await folders.deleteFolder({ folderId }, caller));
    },

    async listOperations({ folderId, pageSize, pageToken }, { authorize }) {
      await find(folderId, authorize);
      const page = await folders.listFolderOperations({ folderId, pageSize: Number(pageSize), pageToken });
      return create(ListFolderOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    ...accessBindingHandlers('Folder', bindings, find),
  });
}
