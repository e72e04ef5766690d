import { create } from '@bufbuild/protobuf';
import { notFound } from '../../errors.ts';
import { ApiEndpointSchema } from '../../gen/yandex/cloud/endpoint/api_endpoint_pb.ts';
import {
  ApiEndpointService,
  ListApiEndpointsResponseSchema,
} from '../../gen/yandex/cloud/endpoint/api_endpoint_service_pb.ts';
import { type ApiService, publicService } from '../api-service.ts';
import type { PublicCall } from '../call.ts';

/**
 * The parts of the API, by the ids that SDKs look for; the resource manager has two. `storage` is S3 (api/s3); `storage-api`,
 * which makes buckets by gRPC, is not among them: a client that is told so says it better than one that is sent to the
 * wrong place.
 */
const endpointIds = ['endpoint', 'compute', 'operation', 'iam', 'resource-manager', 'resourcemanager', 'storage'];

export interface ApiEndpointDeps {
  /** host:port that every client is told, whatever it came to; for sites whose proxies hide what that was. */
  readonly publicAddress: string | undefined;
  /** For calls that do not say where they came to. */
  ownAddress(): string;
}

/** Discovery: every part of the API is at the address the client came to, whatever name or proxy brought it here. */
export function apiEndpointService({ publicAddress, ownAddress }: ApiEndpointDeps): ApiService {
  const endpoint = (id: string, { address }: PublicCall) =>
    create(ApiEndpointSchema, { id, address: publicAddress ?? address ?? ownAddress() });
  return publicService(ApiEndpointService, {
    async get({ apiEndpointId }, call) {
      if (!endpointIds.includes(apiEndpointId)) throw notFound('Endpoint', apiEndpointId);
      return endpoint(apiEndpointId, call);
    },

    // All of them in one page, whatever page size was asked for: clients do not look for a second one.
    async list(_request, call) {
      return create(ListApiEndpointsResponseSchema, { endpoints: endpointIds.map((id) => endpoint(id, call)) });
    },
  });
}
