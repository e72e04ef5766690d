import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceAccount } from '../../accounts/service-account.ts';
import {
  ServiceAccount_Status,
  type ServiceAccount as ServiceAccountMessage,
  ServiceAccountSchema,
} from '../../gen/yandex/cloud/iam/v1/service_account_pb.ts';

export function serviceAccountMessage({ createdAt, labels, ...account }: ServiceAccount): ServiceAccountMessage {
  return create(ServiceAccountSchema, {
    ...account,
    createdAt: timestampFromDate(createdAt),
    labels: { ...labels },
    status: ServiceAccount_Status.ACTIVE,
  });
}
