import type { AccessKey } from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_pb.ts';
import type { CreateAccessKeyResponse } from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_service_pb.ts';
import { type Key, Key_AlgorithmSchema } from '../../gen/yandex/cloud/iam/v1/key_pb.ts';
import type { ServiceAccount } from '../../gen/yandex/cloud/iam/v1/service_account_pb.ts';
import { showTime } from '../columns.ts';
import type { Columns } from '../render.ts';

export const serviceAccountColumns: Columns<ServiceAccount> = [
  ['ID', (account) => account.id],
  ['NAME', (account) => account.name],
  ['DESCRIPTION', (account) => account.description],
  ['CREATED', (account) => showTime(account.createdAt)],
];

export const keyColumns: Columns<Key> = [
  ['ID', (key) => key.id],
  ['ALGORITHM', (key) => Key_AlgorithmSchema.value[key.keyAlgorithm]?.name ?? `${key.keyAlgorithm}`],
  ['DESCRIPTION', (key) => key.description],
  ['CREATED', (key) => showTime(key.createdAt)],
];

export const accessKeyColumns: Columns<AccessKey> = [
  ['ID', (key) => key.id],
  ['KEY ID', (key) => key.keyId],
  ['DESCRIPTION', (key) => key.description],
  ['CREATED', (key) => showTime(key.createdAt)],
];

export const newAccessKeyColumns: Columns<CreateAccessKeyResponse> = [
  ['ID', ({ accessKey }) => accessKey?.id ?? ''],
  ['KEY ID', ({ accessKey }) => accessKey?.keyId ?? ''],
  ['SECRET', ({ secret }) => secret],
];
