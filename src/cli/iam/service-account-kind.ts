import type { ServiceAccount } from '../../gen/yandex/cloud/iam/v1/service_account_pb.ts';
import { ServiceAccountService } from '../../gen/yandex/cloud/iam/v1/service_account_service_pb.ts';
import type { Findable } from '../resource-kind.ts';

export const serviceAccountKind: Findable<ServiceAccount> = {
  noun: 'service account',
  get: (session, serviceAccountId) => session.api.call(ServiceAccountService.method.get, { serviceAccountId }, session),
  async list(session, { folderId, pageSize, pageToken, filter }) {
    const request = { folderId, pageSize, pageToken, filter };
    const reply = await session.api.call(ServiceAccountService.method.list, request, session);
    return { items: reply.serviceAccounts, nextPageToken: reply.nextPageToken };
  },
};
