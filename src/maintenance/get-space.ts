import { sql } from 'kysely';
import type { Database } from '../db/database.ts';

/** Where the store's bytes are, of one dedup domain. `stored` is `unique`, `garbage` and `condemned` together. */
export interface DomainSpace {
  /** Of the cloud whose chunks these are; '' for packs of which it is not known. */
  readonly cloudId: string;
  readonly imageCount: number;
  /** The sizes of all images, snapshots and bases of disks together, as guests see them. */
  readonly logicalBytes: number;
  /** What those would take if each stood alone. */
  readonly unsharedBytes: number;
  /** What they take, each chunk once. A pack that was not measured since its use changed counts whole. */
  readonly uniqueBytes: number;
  /** What sharing saves. */
  readonly sharedBytes: number;
  /** In packs that are in use, but needed by nobody: comes back by compaction. */
  readonly garbageBytes: number;
  /** In packs that nothing needs: comes back when their delay is over. */
  readonly condemnedBytes: number;
  /** All packs, as the disk has them. Packs that are being written are not in it yet. */
  readonly storedBytes: number;
}

export interface Space {
  readonly domains: readonly DomainSpace[];
  readonly total: DomainSpace;
}

/** What the store holds and what of it is needed, by cloud. Reads a row of every pack and of every image, disk and snapshot. */
export async function getSpace({ db }: { readonly db: Database }): Promise<Space> {
  const packs = await db.scan
    .selectFrom('packs')
    .select('domain_id')
    .select(sql<number>`sum(case when state = 'live' then size else 0 end)`.as('live'))
    .select(sql<number>`sum(case when state = 'live' then coalesce(live_bytes, size) else 0 end)`.as('needed'))
    .select(sql<number>`sum(case when state = 'condemned' then size else 0 end)`.as('condemned'))
    .groupBy('domain_id')
    .execute();
  const holders = await db.scan
    .selectFrom('volume_references')
    .innerJoin('volumes', 'volumes.id', 'volume_references.volume_id')
    .leftJoin('images', 'images.id', 'volume_references.holder_id')
    .select('volumes.domain_id')
    .select((row) => [
      row.fn.count<number>('images.id').as('images'),
      row.fn.sum<number>('volumes.size').as('logical'),
      row.fn.sum<number>('volumes.stored_bytes').as('unshared'),
    ])
    .groupBy('volumes.domain_id')
    .execute();
  const cloudIds = new Set([...packs, ...holders].map(({ domain_id }) => domain_id));
  const domains = [...cloudIds].sort().map((cloudId): DomainSpace => {
    const pack = packs.find(({ domain_id }) => domain_id === cloudId);
    const holder = holders.find(({ domain_id }) => domain_id === cloudId);
    const live = Number(pack?.live ?? 0);
    const uniqueBytes = Number(pack?.needed ?? 0);
    const condemnedBytes = Number(pack?.condemned ?? 0);
    const unsharedBytes = Number(holder?.unshared ?? 0);
    return {
      cloudId,
      imageCount: Number(holder?.images ?? 0),
      logicalBytes: Number(holder?.logical ?? 0),
      unsharedBytes,
      uniqueBytes,
      sharedBytes: Math.max(0, unsharedBytes - uniqueBytes),
      garbageBytes: live - uniqueBytes,
      condemnedBytes,
      storedBytes: live + condemnedBytes,
    };
  });
  return { domains, total: addUp(domains) };
}

function addUp(domains: readonly DomainSpace[]): DomainSpace {
  const sum = (of: (domain: DomainSpace) => number) => domains.reduce((total, domain) => total + of(domain), 0);
  return {
    cloudId: '',
    imageCount: sum((domain) => domain.imageCount),
    logicalBytes: sum((domain) => domain.logicalBytes),
    unsharedBytes: sum((domain) => domain.unsharedBytes),
    uniqueBytes: sum((domain) => domain.uniqueBytes),
    sharedBytes: sum((domain) => domain.sharedBytes),
    garbageBytes: sum((domain) => domain.garbageBytes),
    condemnedBytes: sum((domain) => domain.condemnedBytes),
    storedBytes: sum((domain) => domain.storedBytes),
  };
}
