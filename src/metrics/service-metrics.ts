import { statfs } from 'node:fs/promises';
import type { ApiFigures } from '../api/api.ts';
import type { OpenNotices } from '../db/open-notices.ts';
import type { OpenDisks } from '../disks/open-disks.ts';
import type { FairBudget } from '../lib/fair-budget.ts';
import { remembered } from '../lib/remembered.ts';
import { getSpace } from '../maintenance/get-space.ts';
import type { NbdServer } from '../nbd/nbd-server.ts';
import type { Pool } from '../pool/pool.ts';
import type { Collector } from '../volumes/collector.ts';
import type { ReadCache } from '../volumes/read-cache.ts';
import type { Store, StoreCounts } from '../volumes/store.ts';
import { apiFamilies } from './api-families.ts';
import { metadataFamilies } from './metadata-families.ts';
import type { MeteredDatabase } from './metered-database.ts';
import type { MeteredKinds } from './metered-kinds.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { nbdFamilies } from './nbd-families.ts';
import { watchProcess } from './process-families.ts';
import { readFacts } from './read-facts.ts';
import { type BlobSources, storeFamilies } from './store-families.ts';
import { workFamilies } from './work-families.ts';

/** Where the figures are: each part keeps its own, and is asked when somebody scrapes. */
export interface ServiceParts {
  readonly database: Pick<MeteredDatabase, 'figures'>;
  readonly notices: Pick<OpenNotices, 'figures'>;
  /** The data directory. */
  readonly directory: string;
  readonly store: Store;
  readonly counts: Readonly<StoreCounts>;
  readonly blobs: BlobSources;
  readonly memory: Pick<FairBudget, 'totalBytes' | 'freeBytes' | 'waitingCount'>;
  readonly kinds: MeteredKinds;
  /** Of a process that collects garbage, and so on: each is undefined where that is not this process's part. */
  readonly collector: Pick<Collector, 'figures'> | undefined;
  readonly devices: DeviceParts | undefined;
  readonly api: (() => ApiFigures) | undefined;
  readonly droppedRefusals: () => number;
}

export interface DeviceParts {
  readonly reads: Pick<ReadCache, 'figures'>;
  readonly pool: Pick<Pool, 'status'>;
  readonly here: Pick<OpenDisks, 'figures'>;
  readonly nbd: Pick<NbdServer, 'figures'>;
}

/** What has to be counted in the metadata is counted this often at most, and the store's space more rarely. */
const factsKeptMs = 10_000;
const spaceKeptMs = 60_000;

/** All figures of a service. Dispose it to stop watching the process. */
export function createServiceMetrics(parts: ServiceParts): Metrics & Disposable {
  const { store, directory, api, collector, devices } = parts;
  const facts = remembered(factsKeptMs, () => readFacts(store.db.read, store.now()));
  const watched = watchProcess();
  const metrics = createMetrics({
    families: [
      ...(api === undefined ? [] : apiFamilies(api)),
      ...workFamilies({ kinds: parts.kinds, memory: parts.memory, threads: () => store.threads.figures(), facts }),
      ...storeFamilies({
        counts: parts.counts,
        blobs: parts.blobs,
        space: remembered(spaceKeptMs, () => getSpace(store)),
        room: () => measureRoom(directory),
        collector: collector && (() => collector.figures()),
        devices: devices && {
          reads: devices.reads,
          pool: remembered(factsKeptMs, () => devices.pool.status()),
          disks: () => devices.here.figures(),
        },
        facts,
      }),
      ...(devices === undefined ? [] : nbdFamilies(() => devices.nbd.figures())),
      ...metadataFamilies({
        database: () => parts.database.figures(),
        notices: () => parts.notices.figures(),
        droppedRefusals: parts.droppedRefusals,
      }),
      ...watched.families,
    ],
    onError: (error, name) => store.log.error({ err: error, family: name }, 'a figure could not be read'),
  });
  return { ...metrics, [Symbol.dispose]: () => watched[Symbol.dispose]() };
}

/** What is free is what we may use, not what root may. */
async function measureRoom(directory: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
