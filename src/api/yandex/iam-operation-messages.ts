import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, EmptySchema } from '@bufbuild/protobuf/wkt';
import { accessKeyFromJson } from '../../accounts/access-key-json.ts';
import { keyFromJson } from '../../accounts/key-json.ts';
import {
  createAccountKind,
  deleteAccessKeyKind,
  deleteAccountKind,
  deleteKeyKind,
  updateAccessKeyKind,
  updateAccountKind,
  updateKeyKind,
} from '../../accounts/operation-names.ts';
import { accountFromJson } from '../../accounts/service-account-json.ts';
import { AccessKeySchema } from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_pb.ts';
import {
  DeleteAccessKeyMetadataSchema,
  UpdateAccessKeyMetadataSchema,
} from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_service_pb.ts';
import { KeySchema } from '../../gen/yandex/cloud/iam/v1/key_pb.ts';
import { DeleteKeyMetadataSchema, UpdateKeyMetadataSchema } from '../../gen/yandex/cloud/iam/v1/key_service_pb.ts';
import { ServiceAccountSchema } from '../../gen/yandex/cloud/iam/v1/service_account_pb.ts';
import {
  CreateServiceAccountMetadataSchema,
  DeleteServiceAccountMetadataSchema,
  UpdateServiceAccountMetadataSchema,
} from '../../gen/yandex/cloud/iam/v1/service_account_service_pb.ts';
import { accessKeyMessage } from './access-key-message.ts';
import { keyMessage } from './key-message.ts';
import type { KindMessages } from './kind-messages.ts';
import { serviceAccountMessage } from './service-account-message.ts';

const account = (result: unknown): Any => anyPack(ServiceAccountSchema, serviceAccountMessage(accountFromJson(result)));
const nothing = (): Any => anyPack(EmptySchema, create(EmptySchema));

/** What operations on service accounts and their keys carry, by their kind. */
export const iamOperationMessages: Readonly<Record<string, KindMessages>> = {
  [createAccountKind]: {
    metadata: ({ resourceId: serviceAccountId }) =>
      anyPack(CreateServiceAccountMetadataSchema, create(CreateServiceAccountMetadataSchema, { serviceAccountId })),
    response: account,
  },
  [updateAccountKind]: {
    metadata: ({ resourceId: serviceAccountId }) =>
      anyPack(UpdateServiceAccountMetadataSchema, create(UpdateServiceAccountMetadataSchema, { serviceAccountId })),
    response: account,
  },
  [deleteAccountKind]: {
    metadata: ({ resourceId: serviceAccountId }) =>
      anyPack(DeleteServiceAccountMetadataSchema, create(DeleteServiceAccountMetadataSchema, { serviceAccountId })),
    response: nothing,
  },
  [updateKeyKind]: {
    metadata: ({ resourceId: keyId }) => anyPack(UpdateKeyMetadataSchema, create(UpdateKeyMetadataSchema, { keyId })),
    response: (result) => anyPack(KeySchema, keyMessage(keyFromJson(result))),
  },
  [deleteKeyKind]: {
    metadata: ({ resourceId: keyId }) => anyPack(DeleteKeyMetadataSchema, create(DeleteKeyMetadataSchema, { keyId })),
    response: nothing,
  },
  [updateAccessKeyKind]: {
    metadata: ({ resourceId: accessKeyId }) =>
      anyPack(UpdateAccessKeyMetadataSchema, create(UpdateAccessKeyMetadataSchema, { accessKeyId })),
    response: (result) => anyPack(AccessKeySchema, accessKeyMessage(accessKeyFromJson(result))),
  },
  [deleteAccessKeyKind]: {
    metadata: ({ resourceId: accessKeyId }) =>
      anyPack(DeleteAccessKeyMetadataSchema, create(DeleteAccessKeyMetadataSchema, { accessKeyId })),
    response: nothing,
  },
};
