import { create } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Caller } from '../../access/caller.ts';
import type { CreateServiceAccount } from '../../accounts/create-service-account.ts';
import type { ListServiceAccounts } from '../../accounts/list-service-accounts.ts';
import type { ServiceAccount } from '../../accounts/service-account.ts';
import type { UpdateServiceAccount } from '../../accounts/update-service-account.ts';
import { invalidField } from '../../errors.ts';
import {
  ListServiceAccountOperationsResponseSchema,
  ListServiceAccountsResponseSchema,
  ServiceAccountService,
} from '../../gen/yandex/cloud/iam/v1/service_account_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { authorized } from '../authorized.ts';
import { operationMessage } from './operation-message.ts';
import { serviceAccountMessage } from './service-account-message.ts';

/** What the service calls, with what it needs already bound; see accounts/. */
export interface ServiceAccountFunctions {
  createServiceAccount(request: CreateServiceAccount, caller: Caller): Promise<Operation>;
  getServiceAccount(request: { serviceAccountId: string }): Promise<ServiceAccount>;
  listServiceAccounts(
    request: ListServiceAccounts,
  ): Promise<{ serviceAccounts: readonly ServiceAccount[]; nextPageToken: string }>;
  updateServiceAccount(request: UpdateServiceAccount, caller: Caller): Promise<Operation>;
  deleteServiceAccount(request: { serviceAccountId: string }, caller: Caller): Promise<Operation>;
  listServiceAccountOperations(request: {
    serviceAccountId: string;
    pageSize: number;
    pageToken: string;
  }): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
}

export function serviceAccountService(accounts: ServiceAccountFunctions): ApiService {
  const find = (serviceAccountId: string, authorize: Authorize) =>
    authorized(authorize, 'Service account', serviceAccountId, () => accounts.getServiceAccount({ serviceAccountId }));
  return authenticatedService(ServiceAccountService, {
    async get({ serviceAccountId }, { authorize }) {
      return serviceAccountMessage(await find(serviceAccountId, authorize));
    },

    async list({ folderId, pageSize, pageToken, filter }, { authorize }) {
      await authorize({ folderId });
      const request = { folderId, pageSize: Number(pageSize), pageToken, filter };
      const { serviceAccounts, nextPageToken } = await accounts.listServiceAccounts(request);
      return create(ListServiceAccountsResponseSchema, {
        serviceAccounts: serviceAccounts.map(serviceAccountMessage),
        nextPageToken,
      });
    },

    async create({ folderId, name, description, labels, expiresAt }, { authorize, caller }) {
      await authorize({ folderId });
      refuseExpiry(expiresAt);
      return operationMessage(await accounts.createServiceAccount({ folderId, name, description, labels }, caller));
    },

    async update({ serviceAccountId, updateMask, name, description, labels, expiresAt }, { authorize, caller }) {
      await find(serviceAccountId, authorize);
      const paths = updateMask?.paths ?? [];
      // What the mask leaves out means nothing, and expires_at cannot be in it.
      if (paths.length === 0) refuseExpiry(expiresAt);
      const change = { serviceAccountId, paths, name, description, labels };
      return operationMessage(await accounts.updateServiceAccount(change, caller));
    },

    async delete({ serviceAccountId }, { authorize, caller }) {
      await find(serviceAccountId, authorize);
      return operationMessage(await accounts.deleteServiceAccount({ serviceAccountId }, caller));
    },

    async listOperations({ serviceAccountId, pageSize, pageToken }, { authorize }) {
      await find(serviceAccountId, authorize);
      const request = { serviceAccountId, pageSize: Number(pageSize), pageToken };
      const page = await accounts.listServiceAccountOperations(request);
      return create(ListServiceAccountOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },
  });
}

/**
 * Whoever says when an account is to end must not believe that it will. 1970 is what Terraform sends for an account that has
 * no end.
 */
function refuseExpiry(expiresAt: Timestamp | undefined): void {
  if (expiresAt === undefined || expiresAt.seconds === 0n) return;
  throw invalidField('expires_at', 'service accounts do not expire here: leave it out');
}
