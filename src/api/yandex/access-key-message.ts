import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { AccessKey } from '../../accounts/access-key.ts';
import {
  type AccessKey as AccessKeyMessage,
  AccessKeySchema,
} from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_pb.ts';

export function accessKeyMessage({ folderId: _, createdAt, ...key }: AccessKey): AccessKeyMessage {
  return create(AccessKeySchema, { ...key, createdAt: timestampFromDate(createdAt) });
}
