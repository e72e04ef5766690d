import { create } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import type { AccessKey } from '../../accounts/access-key.ts';
import type { CreateAccessKey } from '../../accounts/create-access-key.ts';
import type { ListAccessKeyOperations } from '../../accounts/list-access-key-operations.ts';
import type { ListKeys } from '../../accounts/list-keys.ts';
import type { ServiceAccount } from '../../accounts/service-account.ts';
import type { UpdateAccessKey } from '../../accounts/update-access-key.ts';
import {
  AccessKeyService,
  CreateAccessKeyResponseSchema,
  ListAccessKeyOperationsResponseSchema,
  ListAccessKeysResponseSchema,
} from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { authorized } from '../authorized.ts';
import type { Call } from '../call.ts';
import { accessKeyMessage } from './access-key-message.ts';
import { operationMessage } from './operation-message.ts';
import { ownAccountId } from './own-account-id.ts';

/** What the service calls, with what it needs already bound; see accounts/. */
export interface AccessKeyFunctions {
  createAccessKey(request: CreateAccessKey, caller: Caller): Promise<{ accessKey: AccessKey; secret: string }>;
  getAccessKey(request: { accessKeyId: string }): Promise<AccessKey>;
  listAccessKeys(request: ListKeys): Promise<{ accessKeys: readonly AccessKey[]; nextPageToken: string }>;
  updateAccessKey(request: UpdateAccessKey, caller: Caller): Promise<Operation>;
  deleteAccessKey(request: { accessKeyId: string }, caller: Caller): Promise<Operation>;
  listAccessKeyOperations(
    request: ListAccessKeyOperations,
  ): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
  getServiceAccount(request: { serviceAccountId: string }): Promise<ServiceAccount>;
}

/** What is made here signs requests to the object store: api/s3. */
export function accessKeyService(keys: AccessKeyFunctions): ApiService {
  const find = (accessKeyId: string, authorize: Authorize) =>
    authorized(authorize, 'Access key', accessKeyId, () => keys.getAccessKey({ accessKeyId }));
  /** The account whose keys are meant. */
  const accountOf = (given: string, { authorize, subject }: Pick<Call, 'authorize' | 'subject'>) => {
    const serviceAccountId = given || ownAccountId(subject);
    return authorized(authorize, 'Service account', serviceAccountId, () =>
      keys.getServiceAccount({ serviceAccountId }),
    );
  };
  return authenticatedService(AccessKeyService, {
    async get({ accessKeyId }, { authorize }) {
      return accessKeyMessage(await find(accessKeyId, authorize));
    },

    async list({ serviceAccountId: given, pageSize, pageToken }, call) {
      const { id: serviceAccountId } = await accountOf(given, call);
      const page = await keys.listAccessKeys({ serviceAccountId, pageSize: Number(pageSize), pageToken });
      return create(ListAccessKeysResponseSchema, {
        accessKeys: page.accessKeys.map(accessKeyMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    async create({ serviceAccountId: given, description }, call) {
      const { id: serviceAccountId } = await accountOf(given, call);
      const { accessKey, secret } = await keys.createAccessKey({ serviceAccountId, description }, call.caller);
      return create(CreateAccessKeyResponseSchema, { accessKey: accessKeyMessage(accessKey), secret });
    },

    async update({ accessKeyId, updateMask, description }, { authorize, caller }) {
      await find(accessKeyId, authorize);
      const request = { accessKeyId, paths: updateMask?.paths, description };
      return operationMessage(await keys.updateAccessKey(request, caller));
    },

    async delete({ accessKeyId }, { authorize, caller }) {
      await find(accessKeyId, authorize);
      return operationMessage(await keys.deleteAccessKey({ accessKeyId }, caller));
    },

    async listOperations({ accessKeyId, pageSize, pageToken }, { authorize }) {
      await find(accessKeyId, authorize);
      const page = await keys.listAccessKeyOperations({ accessKeyId, pageSize: Number(pageSize), pageToken });
      return create(ListAccessKeyOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },
  });
}
