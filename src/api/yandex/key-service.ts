import { create } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import type { CreateKey } from '../../accounts/create-key.ts';
import type { Key } from '../../accounts/key.ts';
import type { ListKeys } from '../../accounts/list-keys.ts';
import type { ServiceAccount } from '../../accounts/service-account.ts';
import type { UpdateKey } from '../../accounts/update-key.ts';
import {
  CreateKeyResponseSchema,
  KeyService,
  ListKeyOperationsResponseSchema,
  ListKeysResponseSchema,
} from '../../gen/yandex/cloud/iam/v1/key_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { authorized } from '../authorized.ts';
import type { Call } from '../call.ts';
import { keyAlgorithmOf, keyMessage } from './key-message.ts';
import { operationMessage } from './operation-message.ts';
import { ownAccountId } from './own-account-id.ts';

/** What the service calls, with what it needs already bound; see accounts/. */
export interface KeyFunctions {
  createKey(request: CreateKey, caller: Caller): Promise<{ key: Key; privateKeyPem: string }>;
  getKey(request: { keyId: string }): Promise<Key>;
  listKeys(request: ListKeys): Promise<{ keys: readonly Key[]; nextPageToken: string }>;
  updateKey(request: UpdateKey, caller: Caller): Promise<Operation>;
  deleteKey(request: { keyId: string }, caller: Caller): Promise<Operation>;
  listKeyOperations(request: {
    keyId: string;
    pageSize: number;
    pageToken: string;
  }): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
  getServiceAccount(request: { serviceAccountId: string }): Promise<ServiceAccount>;
}

export function keyService(keys: KeyFunctions): ApiService {
  const find = (keyId: string, authorize: Authorize) =>
    authorized(authorize, 'Key', keyId, () => keys.getKey({ keyId }));
  /** The account whose keys are meant. */
  const accountOf = (given: string, { authorize, subject }: Pick<Call, 'authorize' | 'subject'>) => {
    const serviceAccountId = given || ownAccountId(subject);
    return authorized(authorize, 'Service account', serviceAccountId, () =>
      keys.getServiceAccount({ serviceAccountId }),
    );
  };
  return authenticatedService(KeyService, {
    async get({ keyId }, { authorize }) {
      return keyMessage(await find(keyId, authorize));
    },

    async list({ serviceAccountId: given, pageSize, pageToken }, call) {
      const { id: serviceAccountId } = await accountOf(given, call);
      const page = await keys.listKeys({ serviceAccountId, pageSize: Number(pageSize), pageToken });
      return create(ListKeysResponseSchema, { keys: page.keys.map(keyMessage), nextPageToken: page.nextPageToken });
    },

    async create({ serviceAccountId: given, description, keyAlgorithm }, call) {
      const { id: serviceAccountId } = await accountOf(given, call);
      const request = { serviceAccountId, description, algorithm: keyAlgorithmOf(keyAlgorithm) };
      const { key, privateKeyPem } = await keys.createKey(request, call.caller);
      return create(CreateKeyResponseSchema, { key: keyMessage(key), privateKey: privateKeyPem });
    },

    async update({ keyId, updateMask, description }, { authorize, caller }) {
      await find(keyId, authorize);
      return operationMessage(await keys.updateKey({ keyId, paths: updateMask?.paths, description }, caller));
    },

    async delete({ keyId }, { authorize, caller }) {
      await find(keyId, authorize);
      return operationMessage(await keys.deleteKey({ keyId }, caller));
    },

    async listOperations({ keyId, pageSize, pageToken }, { authorize }) {
      await find(keyId, authorize);
      const page = await keys.listKeyOperations({ keyId, pageSize: Number(pageSize), pageToken });
      return create(ListKeyOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },
  });
}
