import { create } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import { cloudScope } from '../../access/scope.ts';
import type { Subject } from '../../access/subject.ts';
import type { Cloud } from '../../folders/folder.ts';
import type { ListClouds } from '../../folders/list-clouds.ts';
import {
  CloudService,
  ListCloudOperationsResponseSchema,
  ListCloudsResponseSchema,
} from '../../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import type { CreateCloud } from '../../resource-manager/create-cloud.ts';
import type { ListCloudOperations } from '../../resource-manager/list-cloud-operations.ts';
import type { UpdateCloud } from '../../resource-manager/update-cloud.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { accessBindingHandlers, type BindingFunctions } from './access-binding-handlers.ts';
import { cloudMessage } from './cloud-message.ts';
import { operationMessage } from './operation-message.ts';

/** What the service calls, with what it needs already bound; see folders/ and resource-manager/. */
export interface CloudFunctions {
  getCloud(request: { cloudId: string }): Promise<Cloud>;
  /** Those that the subject may see. */
  listClouds(request: ListClouds, subject: Subject): Promise<{ clouds: readonly Cloud[]; nextPageToken: string }>;
  createCloud(request: CreateCloud, caller: Caller, owner: Subject): Promise<Operation>;
  updateCloud(request: UpdateCloud, caller: Caller): Promise<Operation>;
  deleteCloud(request: { cloudId: string }, caller: Caller): Promise<Operation>;
  listCloudOperations(
    request: ListCloudOperations,
  ): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
}

export function cloudService(clouds: CloudFunctions, bindings: BindingFunctions): ApiService {
  const find = async (cloudId: string, authorize: Authorize): Promise<Cloud> => {
    await authorize(cloudScope(cloudId));
    return await clouds.getCloud({ cloudId });
  };
  return authenticatedService(CloudService, {
    async get({ cloudId }, { authorize }) {
      return cloudMessage(await find(cloudId, authorize));
    },

    async list({ pageSize, pageToken, filter, organizationId }, { subject }) {
      const request = { pageSize: Number(pageSize), pageToken, filter, organizationId };
      const page = await clouds.listClouds(request, subject);
      return create(ListCloudsResponseSchema, {
        clouds: page.clouds.map(cloudMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    async create({ name, description, labels, organizationId }, { authorize, subject, caller }) {
      await authorize('installation');
      return operationMessage(await clouds.createCloud({ name, description, labels, organizationId }, caller, subject));
    },

    async update({ cloudId, updateMask, name, description, labels }, { authorize, caller }) {
      const cloud = await find(cloudId, authorize);
      const paths = updateMask?.paths;
      const isRenamed = name !== cloud.name && (!paths?.length || paths.includes('name'));
      // No two clouds have one name: only who sees all of them may find out which are taken.
      if (isRenamed) await authorize('installation', 'resource-manager.clouds.create');
      return operationMessage(await clouds.updateCloud({ cloudId, paths, name, description, labels }, caller));
    },

    async delete({ cloudId }, { authorize, caller }) {
      await find(cloudId, authorize);
      return operationMessage(await clouds.deleteCloud({ cloudId }, caller));
    },

    async listOperations({ cloudId, pageSize, pageToken }, { authorize }) {
      await find(cloudId, authorize);
      const page = await clouds.listCloudOperations({ cloudId, pageSize: Number(pageSize), pageToken });
      return create(ListCloudOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    ...accessBindingHandlers('Cloud', bindings, find),
  });
}
