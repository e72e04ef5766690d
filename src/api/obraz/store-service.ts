import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import { type DomainSpaceSchema, SpaceSchema, StoreService } from '../../gen/obraz/v1/store_service_pb.ts';
import type { DomainSpace, Space } from '../../maintenance/get-space.ts';
import type { CheckRequest } from '../../maintenance/start-store-operation.ts';
import type { Operation } from '../../operations/operation.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import { operationMessage } from '../yandex/operation-message.ts';

/** What the service calls, with what it needs already bound; see maintenance/. */
export interface StoreFunctions {
  startCheck(request: CheckRequest, caller: Caller): Promise<Operation>;
  startScrub(request: { bytesPerSecond: number }, caller: Caller): Promise<Operation>;
  getSpace(): Promise<Space>;
}

export function storeService(store: StoreFunctions): ApiService {
  return authenticatedService(StoreService, {
    async check({ readData, bytesPerSecond }, { authorize, caller }) {
      await authorize('installation');
      return operationMessage(await store.startCheck({ readData, bytesPerSecond: Number(bytesPerSecond) }, caller));
    },

    async scrub({ bytesPerSecond }, { authorize, caller }) {
      await authorize('installation');
      return operationMessage(await store.startScrub({ bytesPerSecond: Number(bytesPerSecond) }, caller));
    },

    async getSpace(_request, { authorize }) {
      await authorize('installation');
      const { domains, total } = await store.getSpace();
      return create(SpaceSchema, { domains: domains.map(spaceOf), total: spaceOf(total) });
    },
  });
}

function spaceOf(space: DomainSpace): MessageInitShape<typeof DomainSpaceSchema> {
  return {
    cloudId: space.cloudId,
    imageCount: BigInt(space.imageCount),
    logicalBytes: BigInt(space.logicalBytes),
    unsharedBytes: BigInt(space.unsharedBytes),
    uniqueBytes: BigInt(space.uniqueBytes),
    sharedBytes: BigInt(space.sharedBytes),
    garbageBytes: BigInt(space.garbageBytes),
    condemnedBytes: BigInt(space.condemnedBytes),
    storedBytes: BigInt(space.storedBytes),
  };
}
