import { create } from '@bufbuild/protobuf';
import { cloudScope } from '../../access/scope.ts';
import {
  ListQuotasResponseSchema,
  type Quota as QuotaMessage,
  QuotaSchema,
  QuotaService,
} from '../../gen/obraz/v1/quota_service_pb.ts';
import type { Quota } from '../../quotas/quota.ts';
import type { SetQuota } from '../../quotas/set-quota.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** What the service calls, with what it needs already bound; see quotas/. */
export interface QuotaFunctions {
  getQuota(request: { cloudId: string; name: string }): Promise<Quota>;
  listQuotas(request: { cloudId: string }): Promise<Quota[]>;
  setQuota(request: SetQuota): Promise<Quota>;
  getCloud(request: { cloudId: string }): Promise<unknown>;
}

export function quotaService(quotas: QuotaFunctions): ApiService {
  return authenticatedService(QuotaService, {
    async get({ cloudId, name }, { authorize }) {
      await authorize(cloudScope(cloudId));
      await quotas.getCloud({ cloudId });
      return quotaMessage(await quotas.getQuota({ cloudId, name }));
    },

    async list({ cloudId }, { authorize }) {
      await authorize(cloudScope(cloudId));
      await quotas.getCloud({ cloudId });
      const all = await quotas.listQuotas({ cloudId });
      return create(ListQuotasResponseSchema, { quotas: all.map(quotaMessage) });
    },

    async set({ cloudId, name, limit }, { authorize }) {
      await authorize('installation');
      const wanted = limit === undefined ? undefined : Number(limit);
      return quotaMessage(await quotas.setQuota({ cloudId, name, limit: wanted }));
    },
  });
}

function quotaMessage({ cloudId, name, limit, defaultLimit, used }: Quota): QuotaMessage {
  return create(QuotaSchema, {
    cloudId,
    name,
    limit: BigInt(limit),
    defaultLimit: BigInt(defaultLimit),
    usage: BigInt(used),
  });
}
