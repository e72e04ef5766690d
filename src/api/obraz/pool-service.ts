import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ListPoolResponseSchema,
  PooledVolume_State,
  type PooledVolumeSchema,
  PoolService,
} from '../../gen/obraz/v1/pool_service_pb.ts';
import type { NodePool } from '../../maintenance/get-pools.ts';
import type { PoolEntryStatus, PooledState } from '../../pool/pooled-volume.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** What the service calls; see pool/. */
export interface PoolFunctions {
  getPools(): Promise<readonly NodePool[]>;
}

export function poolService(pool: PoolFunctions): ApiService {
  return authenticatedService(PoolService, {
    async list(_request, { authorize }) {
      await authorize('installation');
      const pools = await pool.getPools();
      const sum = (of: 'limitBytes' | 'storedBytes') => pools.reduce((total, one) => total + one[of], 0);
      return create(ListPoolResponseSchema, {
        volumes: pools.flatMap(({ nodeId, entries }) => entries.map((entry) => ({ ...volumeMessage(entry), nodeId }))),
        limitBytes: BigInt(sum('limitBytes')),
        storedBytes: BigInt(sum('storedBytes')),
      });
    },
  });
}

const states: Readonly<Record<PooledState, PooledVolume_State>> = {
  waiting: PooledVolume_State.WAITING,
  hydrating: PooledVolume_State.HYDRATING,
  ready: PooledVolume_State.READY,
  evicted: PooledVolume_State.EVICTED,
};

function volumeMessage(entry: PoolEntryStatus): MessageInitShape<typeof PooledVolumeSchema> {
  const { volume, state, storedBytes, hits, misses, lastUsedAt, problem } = entry;
  return {
    volumeId: volume.volumeId,
    images: [...volume.images],
    state: states[state],
    size: BigInt(volume.sizeBytes),
    storedBytes: BigInt(storedBytes),
    hits: BigInt(hits),
    misses: BigInt(misses),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: timestampFromMs(lastUsedAt) }),
    problem,
  };
}
