import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { cloudScope } from '../../access/scope.ts';
import type { Cloud } from '../../folders/folder.ts';
import { type Cloud as CloudMessage, CloudSchema } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_pb.ts';
import { CloudService, ListCloudsResponseSchema } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** What the service calls, with what it needs already bound; see folders/. */
export interface CloudFunctions {
  getCloud(request: { cloudId: string }): Promise<Cloud>;
  listClouds(request: {
    pageSize: number;
    pageToken: string;
    filter: string;
  }): Promise<{ clouds: readonly Cloud[]; nextPageToken: string }>;
}

export function cloudService({ getCloud, listClouds }: CloudFunctions): ApiService {
  return authenticatedService(CloudService, {
    async get({ cloudId }, { authorize }) {
      await authorize(cloudScope(cloudId));
      return cloudMessage(await getCloud({ cloudId }));
    },

    async list({ pageSize, pageToken, filter, organizationId }) {
      // No cloud here belongs to an organization.
      if (organizationId !== '') return create(ListCloudsResponseSchema);
      const { clouds, nextPageToken } = await listClouds({ pageSize: Number(pageSize), pageToken, filter });
      return create(ListCloudsResponseSchema, { clouds: clouds.map(cloudMessage), nextPageToken });
    },
  });
}

function cloudMessage({ createdAt, labels, ...cloud }: Cloud): CloudMessage {
  return create(CloudSchema, { ...cloud, createdAt: timestampFromDate(createdAt), labels: { ...labels } });
}
