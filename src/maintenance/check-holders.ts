import type { Queryable } from '../db/database.ts';
import { standardImagesCloudId } from '../folders/standard-images.ts';
import { findMiscounted } from '../quotas/quota-rows.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import { type Finding, lookTwice, remedies } from '../volumes/finding.ts';
import { contentHolders } from './content-holders.ts';

/** Rows told at most of each kind: a fault that has so many has one cause. */
const atMost = 100;

/** Rows of a table looked at by one statement: so many are in memory, and whoever reads beside waits no longer than for these. */
const rowsAtOnce = 1_000;

/**
 * Holds what the store keeps for others against those others: images, disks and snapshots and their volumes, imports and
 * their pins; and what quotas say is used. Only SQL, each question asked twice, because an import may end or an image go between two of its statements.
 */
export async function* checkHolders(db: Queryable): AsyncIterable<Finding> {
  yield* inRanges(
    (after) => findHolderBorder(db, after),
    (range) => findWrongHolders(db, range),
  );
  yield* inRanges(
    (after) => findReferenceBorder(db, after),
    (range) => findIdleReferences(db, range),
  );
  for (const look of [findIdlePins, findIdleCheckpoints, findWrongUsage]) yield* await lookTwice(() => look(db));
}

/** Ids behind `after`, up to and with `upTo`; without that, all. */
interface IdRange {
  readonly after: string;
  readonly upTo: string | undefined;
}

/** Looks at all rows, range by range, until enough is found. `findBorder` says where the range behind an id ends. */
async function* inRanges(
  findBorder: (after: string) => Promise<string | undefined>,
  look: (range: IdRange) => Promise<readonly Finding[]>,
): AsyncIterable<Finding> {
  let told = 0;
  for (let after = ''; told < atMost; ) {
    const upTo = await findBorder(after);
    const found = await lookTwice(() => look({ after, upTo }));
    told += found.length;
    yield* found;
    if (upTo === undefined) return;
    after = upTo;
  }
}

/** Table by table: PostgreSQL would sort all three of them together each time. */
async function findHolderBorder(db: Queryable, after: string): Promise<string | undefined> {
  const borders: string[] = [];
  for (const table of ['images', 'disks', 'snapshots'] as const) {
    const ids = db.selectFrom(table).select('id').where('id', '>', after).orderBy('id');
    const border = await ids
      .offset(rowsAtOnce - 1)
      .limit(1)
      .executeTakeFirst();
    if (border !== undefined) borders.push(border.id);
  }
  return borders.sort().at(0);
}

async function findReferenceBorder(db: Queryable, after: string): Promise<string | undefined> {
  const ids = db.selectFrom('volume_references').select('holder_id').where('holder_id', '>', after);
  const border = ids
    .orderBy('holder_id')
    .offset(rowsAtOnce - 1)
    .limit(1);
  return (await border.executeTakeFirst())?.holder_id;
}

async function findWrongHolders(db: Queryable, { after, upTo }: IdRange): Promise<Finding[]> {
  const rows = await contentHolders(db)
    .leftJoin('volume_references', (join) =>
      join
        .onRef('volume_references.holder_id', '=', 'holders.id')
        .onRef('volume_references.volume_id', '=', 'holders.volume_id'),
    )
    .leftJoin('volumes', 'volumes.id', 'holders.volume_id')
    .innerJoin('folders', 'folders.id', 'holders.folder_id')
    .select(['holders.noun', 'holders.id', 'holders.volume_id', 'holders.size', 'holders.guest_digest'])
    .select(['folders.cloud_id', 'volume_references.holder_id', 'volumes.domain_id'])
    .select(['volumes.size as volume_size', 'volumes.guest_digest as volume_digest'])
    .where('holders.id', '>', after)
    .$if(upTo !== undefined, (query) => query.where('holders.id', '<=', upTo ?? ''))
    .orderBy('holders.noun')
    .orderBy('holders.id')
    .execute();
  const without = rows
    .filter(({ holder_id }) => holder_id === null)
    .map(({ noun, id, volume_id }): Finding => {
      const fact = `the ${noun} is READY and does not hold its volume ${volume_id}: a collection deletes its content`;
      return { severity: 'error', what: `${noun}-without-volume`, id, fact, remedy: remedies.rebuild };
    });
  const differing = rows.flatMap((row): Finding[] => {
    const { noun, id } = row;
    const facts = differences(row);
    if (facts.length === 0) return [];
    const remedy = `delete the ${noun} and make it again`;
    return [{ severity: 'error', what: `${noun}-differs`, id, fact: facts.join('; '), remedy }];
  });
  return [...without, ...differing];
}

interface HolderAndVolume {
  readonly size: number;
  readonly guest_digest: string;
  readonly cloud_id: string;
  /** Null when there is no such volume. */
  readonly domain_id: string | null;
  readonly volume_size: number | null;
  readonly volume_digest: Uint8Array | null;
}

function differences({ domain_id, volume_size, volume_digest, ...holder }: HolderAndVolume): string[] {
  if (domain_id === null || volume_digest === null) return [];
  const digest = hexOf(volume_digest);
  // What was made of a standard image names that image's volume, in whatever cloud it is.
  const isInItsDomain = [holder.cloud_id, standardImagesCloudId].includes(domain_id);
  return [
    holder.size === volume_size ? [] : [`it has ${holder.size} bytes, its volume ${volume_size}`],
    holder.guest_digest === digest ? [] : [`its guest digest is ${holder.guest_digest}, its volume's ${digest}`],
    isInItsDomain ? [] : [`it is in cloud ${holder.cloud_id}, its volume in ${domain_id}`],
  ].flat();
}

async function findIdleReferences(db: Queryable, { after, upTo }: IdRange): Promise<Finding[]> {
  const rows = await db
    .selectFrom('volume_references')
    .leftJoin('images', 'images.id', 'volume_references.holder_id')
    .leftJoin('disks', 'disks.id', 'volume_references.holder_id')
    .leftJoin('snapshots', 'snapshots.id', 'volume_references.holder_id')
    .leftJoin('attachments', 'attachments.id', 'volume_references.holder_id')
    .select(['volume_references.holder_id as id', 'volume_references.volume_id'])
    .where('volume_references.holder_id', '>', after)
    .$if(upTo !== undefined, (query) => query.where('volume_references.holder_id', '<=', upTo ?? ''))
    .where('images.id', 'is', null)
    .where('disks.id', 'is', null)
    .where('snapshots.id', 'is', null)
    .where('attachments.id', 'is', null)
    .limit(atMost)
    .execute();
  return rows.map(({ id, volume_id }) => {
    const fact = `volume ${volume_id} is kept for an image, a disk, a snapshot or an attachment that is not there`;
    const remedy = 'its space is lost until the metadata is rebuilt without it; report this as a bug';
    return { severity: 'warning', what: 'reference-without-holder', id, fact, remedy };
  });
}

async function findIdlePins(db: Queryable): Promise<Finding[]> {
  const rows = await db
    .selectFrom('pack_pins')
    .leftJoin('operations', 'operations.id', 'pack_pins.operation_id')
    .select('pack_pins.operation_id as id')
    .select((pins) => pins.fn.countAll<number>().as('packs'))
    .where((row) => row.or([row('operations.id', 'is', null), row('operations.state', '=', 'done')]))
    .groupBy('pack_pins.operation_id')
    .limit(atMost)
    .execute();
  return rows.map(({ id, packs }) => {
    const fact = `${packs} packs are pinned for an operation that is over`;
    return { severity: 'warning', what: 'pin-without-operation', id, fact, remedy: remedies.rebuild };
  });
}

async function findIdleCheckpoints(db: Queryable): Promise<Finding[]> {
  const rows = await db
    .selectFrom('import_segments')
    .leftJoin('operations', 'operations.id', 'import_segments.operation_id')
    .select('import_segments.operation_id as id')
    .select((segments) => segments.fn.countAll<number>().as('segments'))
    .where((row) => row.or([row('operations.id', 'is', null), row('operations.state', '=', 'done')]))
    .groupBy('import_segments.operation_id')
    .limit(atMost)
    .execute();
  return rows.map(({ id, segments }) => {
    const fact = `${segments} segments are kept for an operation that is over`;
    return { severity: 'warning', what: 'checkpoint-without-operation', id, fact, remedy: remedies.rebuild };
  });
}

async function findWrongUsage(db: Queryable): Promise<Finding[]> {
  return (await findMiscounted(db)).map(({ cloudId, name, counted, used }) => {
    const fact = `${used} of ${name} are counted as used, and there are ${counted}`;
    return { severity: 'warning', what: 'quota-usage', id: cloudId, fact, remedy: remedies.rebuild };
  });
}
