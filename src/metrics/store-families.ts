import type { CacheFigures } from '../blobs/cache/cached-blobs.ts';
import type { OpenDisksFigures } from '../disks/open-disks.ts';
import type { Space } from '../maintenance/get-space.ts';
import type { PoolStatus } from '../pool/pooled-volume.ts';
import type { CollectorFigures } from '../volumes/collector.ts';
import type { ReadCache } from '../volumes/read-cache.ts';
import type { StoreCounts } from '../volumes/store.ts';
import { byLabel, counter, type Family, gauge, histogram } from './family.ts';
import type { BlobFigures } from './metered-blobs.ts';
import type { Facts } from './read-facts.ts';

export interface StoreSources {
  readonly blobs: BlobSources;
  readonly counts: Readonly<StoreCounts>;
  readonly space: () => Promise<Space>;
  /** Of the file system with the data directory, in bytes. */
  readonly room: () => Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
  /** Of a process that collects garbage. */
  readonly collector: (() => CollectorFigures) | undefined;
  /** Of a process that has disks. */
  readonly devices: DeviceSources | undefined;
  readonly facts: () => Promise<Facts>;
}

export interface DeviceSources {
  readonly reads: Pick<ReadCache, 'figures'>;
  readonly pool: () => Promise<PoolStatus>;
  readonly disks: () => OpenDisksFigures;
}

export interface BlobSources {
  readonly work: () => readonly BlobFigures[];
  /** Of the copies of a bucket's packs on this machine; undefined where there are none. */
  readonly cache: (() => CacheFigures) | undefined;
  /** Requests to a bucket that were made again. */
  readonly retries: () => number;
}

/** What is stored, and what is done with it. */
export function storeFamilies(sources: StoreSources): Family[] {
  return [
    ...contentFamilies(sources),
    ...blobFamilies(sources.blobs),
    ...sharedFamilies(sources.facts),
    ...(sources.collector === undefined ? [] : collectorFamilies(sources.collector)),
    ...(sources.devices === undefined ? [] : [...readingFamilies(sources.devices), ...diskFamilies(sources.devices)]),
  ];
}

function contentFamilies({ counts, space, room }: StoreSources): Family[] {
  return [
    counter(
      'obraz_store_imported_bytes_total',
      'Plain bytes that imports brought: new to the store, or in it already.',
      () => byLabel('kind', { new: counts.newBytes, known: counts.knownBytes }),
    ),
    counter('obraz_store_encoded_bytes_total', 'What the new bytes took, compressed.', () => counts.encodedBytes),
    counter(
      'obraz_store_corrupt_chunks_total',
      'Chunks that did not read back as they were stored.',
      () => counts.corruptChunks,
    ),
    gauge('obraz_store_bytes', 'What the store takes: needed, dead within packs in use, and condemned.', async () => {
      const { total } = await space();
      return byLabel('kind', {
        unique: total.uniqueBytes,
        garbage: total.garbageBytes,
        condemned: total.condemnedBytes,
      });
    }),
    gauge(
      'obraz_store_logical_bytes',
      'Images, snapshots and bases of disks together, as guests see them.',
      async () => (await space()).total.logicalBytes,
    ),
    gauge(
      'obraz_store_unshared_bytes',
      'What they would take if each stood alone.',
      async () => (await space()).total.unsharedBytes,
    ),
    gauge('obraz_images', 'Images, of all clouds.', async () => (await space()).total.imageCount),
    gauge('obraz_data_bytes', 'The file system with the data directory.', async () => {
      const { freeBytes, totalBytes } = await room();
      return byLabel('kind', { free: freeBytes, total: totalBytes });
    }),
  ];
}

function collectorFamilies(collector: () => CollectorFigures): Family[] {
  return [
    counter('obraz_collections_total', 'Garbage collections, by how they ended.', () => {
      const { collections, failures } = collector();
      return byLabel('result', { done: collections, failed: failures });
    }),
    gauge('obraz_collection_last_success_timestamp_seconds', 'When the last collection ended, since 1970.', () => {
      const { succeededAt } = collector();
      return succeededAt === undefined ? undefined : succeededAt / 1000;
    }),
    counter('obraz_collected_total', 'What collections took away.', () => {
      const { volumes, condemnedPacks, deletedPacks } = collector();
      return byLabel('kind', { volumes, condemned_packs: condemnedPacks, deleted_packs: deletedPacks });
    }),
  ];
}

function blobFamilies({ work, cache, retries }: BlobSources): Family[] {
  return [
    histogram(
      'obraz_blob_seconds',
      'How long it took to read, write and delete packs, from the cache or from afar.',
      () => work().map(({ work: kind, seconds }) => ({ labels: { work: kind }, histogram: seconds })),
    ),
    counter('obraz_blob_bytes_total', 'Bytes of packs that were read and written.', () =>
      work().map(({ work: kind, bytes }) => ({ labels: { work: kind }, value: bytes })),
    ),
    counter('obraz_blob_failed_total', 'Reads, writes and deletions of packs that failed.', () =>
      work().map(({ work: kind, failed }) => ({ labels: { work: kind }, value: failed })),
    ),
    counter('obraz_bucket_retries_total', 'Requests to the bucket that failed and were made again.', retries),
    counter(
      'obraz_bucket_cache_total',
      'Blocks of the bucket’s packs: found in the cache, fetched, or found corrupt.',
      () => {
        if (cache === undefined) return undefined;
        const { hits, misses, corrupt } = cache();
        return byLabel('result', { hit: hits, miss: misses, corrupt });
      },
    ),
    gauge('obraz_bucket_cache_bytes', 'What the cache takes of the disk.', () => cache?.().bytes),
  ];
}

function readingFamilies({ reads, pool }: DeviceSources): Family[] {
  return [
    counter('obraz_read_cache_total', 'Windows of stored volumes that were wanted: had already, or read.', () => {
      const { hits, misses } = reads.figures();
      return byLabel('result', { hit: hits, miss: misses });
    }),
    gauge('obraz_pool_volumes', 'Volumes that are to be kept ready, by how far they are.', async () => {
      const count = { waiting: 0, hydrating: 0, ready: 0, evicted: 0 };
      for (const { state } of (await pool()).entries) count[state] += 1;
      return byLabel('state', count);
    }),
    gauge('obraz_pool_bytes', 'What the pool takes of the disk, and may take.', async () => {
      const { storedBytes, limitBytes } = await pool();
      return byLabel('kind', { used: storedBytes, limit: limitBytes });
    }),
    gauge(
      'obraz_pool_reads',
      'Reads of the volumes that are in the pool now: from their files, or from the store.',
      async () => {
        const { entries } = await pool();
        const sum = (of: 'hits' | 'misses') => entries.reduce((total, entry) => total + entry[of], 0);
        return byLabel('result', { hit: sum('hits'), miss: sum('misses') });
      },
    ),
  ];
}

function diskFamilies({ disks }: DeviceSources): Family[] {
  return [
    gauge('obraz_disks_open', 'Disks that somebody uses.', () => disks().openDisks),
    gauge(
      'obraz_overlay_bytes',
      'What the overlays of open disks take: on disk, of that in use, and in memory.',
      () => {
        const { storedBytes, liveBytes, indexMemoryBytes } = disks();
        return byLabel('kind', { stored: storedBytes, live: liveBytes, index_memory: indexMemoryBytes });
      },
    ),
    gauge('obraz_overlay_files', 'Log files of the overlays of open disks.', () => disks().logFiles),
    gauge('obraz_overlay_frozen_layers', 'Frozen layers of open disks.', () => disks().frozenLayers),
  ];
}

/** What only the metadata knows: the same in all processes. */
function sharedFamilies(facts: () => Promise<Facts>): Family[] {
  return [
    gauge('obraz_attachments', 'Attachments, by what is attached and how.', async () =>
      (await facts()).attachments.map(({ kind, mode, count }) => ({ labels: { kind, mode }, value: count })),
    ),
    gauge('obraz_uploads', 'Uploads that are open.', async () => (await facts()).uploads.count),
    gauge('obraz_upload_bytes', 'What has arrived of them, and what is still to come.', async () => {
      const { arrivedBytes, promisedBytes } = (await facts()).uploads;
      return byLabel('kind', { arrived: arrivedBytes, to_come: promisedBytes - arrivedBytes });
    }),
  ];
}
