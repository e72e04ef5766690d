import type { Queryable } from '../db/database.ts';
import { standardImagesCloudId } from '../folders/standard-images.ts';
import { findMiscounted } from '../quotas/quota-rows.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import { type Finding, lookTwice, remedies } from '../volumes/finding.ts';
import { contentHolders } from './content-holders.ts';

/** Rows told at most of each kind: a fault that has so many has one cause. */
const atMost = 100;

/**
 * Holds what the store keeps for others against those others: images, disks and snapshots and their volumes, imports and
 * their pins; and what quotas say is used. Only SQL, each question asked twice, because an import may end or an image go between two of its statements.
 */
export async function* checkHolders(db: Queryable): AsyncIterable<Finding> {
  for (const look of [
    findHoldersWithoutVolume,
    findHoldersThatDiffer,
    findIdleReferences,
    findIdlePins,
    findIdleCheckpoints,
    findWrongUsage,
  ]) {
    yield* await lookTwice(() => look(db));
  }
}

async function findHoldersWithoutVolume(db: Queryable): Promise<Finding[]> {
  const rows = await contentHolders(db)
    .leftJoin('volume_references', (join) =>
      join
        .onRef('volume_references.holder_id', '=', 'holders.id')
        .onRef('volume_references.volume_id', '=', 'holders.volume_id'),
    )
    .select(['holders.noun', 'holders.id', 'holders.volume_id'])
    .where('volume_references.holder_id', 'is', null)
    .limit(atMost)
    .execute();
  return rows.map(({ noun, id, volume_id }) => {
    const fact = `the ${noun} is READY and does not hold its volume ${volume_id}: a collection deletes its content`;
    return { severity: 'error', what: `${noun}-without-volume`, id, fact, remedy: remedies.rebuild };
  });
}

async function findHoldersThatDiffer(db: Queryable): Promise<Finding[]> {
  const rows = await contentHolders(db)
    .innerJoin('volumes', 'volumes.id', 'holders.volume_id')
    .innerJoin('folders', 'folders.id', 'holders.folder_id')
    .select(['holders.noun', 'holders.id', 'holders.size', 'holders.guest_digest', 'folders.cloud_id'])
    .select(['volumes.size as volume_size', 'volumes.guest_digest as volume_digest', 'volumes.domain_id'])
    .execute();
  return rows.flatMap((row): Finding[] => {
    const digest = hexOf(row.volume_digest);
    // What was made of a standard image names that image's volume, in whatever cloud it is.
    const isInItsDomain = [row.cloud_id, standardImagesCloudId].includes(row.domain_id);
    const facts = [
      row.size === row.volume_size ? [] : [`it has ${row.size} bytes, its volume ${row.volume_size}`],
      row.guest_digest === digest ? [] : [`its guest digest is ${row.guest_digest}, its volume's ${digest}`],
      isInItsDomain ? [] : [`it is in cloud ${row.cloud_id}, its volume in ${row.domain_id}`],
    ].flat();
    if (facts.length === 0) return [];
    const remedy = `delete the ${row.noun} and make it again`;
    return [{ severity: 'error', what: `${row.noun}-differs`, id: row.id, fact: facts.join('; '), remedy }];
  });
}

async function findIdleReferences(db: Queryable): Promise<Finding[]> {
  const rows = await db
    .selectFrom('volume_references')
    .leftJoin('images', 'images.id', 'volume_references.holder_id')
    .leftJoin('disks', 'disks.id', 'volume_references.holder_id')
    .leftJoin('snapshots', 'snapshots.id', 'volume_references.holder_id')
    .leftJoin('attachments', 'attachments.id', 'volume_references.holder_id')
    .select(['volume_references.holder_id as id', 'volume_references.volume_id'])
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
