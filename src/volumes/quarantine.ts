import type { Queryable } from '../db/database.ts';
import { type ChunkId, chunkKey, hexOf } from './chunk-id.ts';
import { quarantineChunk } from './chunk-rows.ts';
import { deleteSegmentCheckpoints, findSegmentCheckpoints } from './import-segment-rows.ts';
import type { EntryKind } from './pack-format.ts';
import type { WriterLease } from './pack-rows.ts';
import type { Store } from './store.ts';

/** A stored chunk does not read back as what it was. Whoever wanted it gets this, never other bytes. */
export class ChunkCorrupt extends Error {
  readonly id: ChunkId;

  constructor(id: ChunkId, packId: string, fact: string) {
    super(`chunk ${hexOf(id)} in pack ${packId} is corrupt: ${fact}`);
    this.name = 'ChunkCorrupt';
    this.id = id;
  }
}

/** A volume was about to be sealed over a chunk that had just been found damaged. Writing it again heals it. */
export class QuarantinedMeanwhile extends Error {
  constructor(packIds: readonly string[]) {
    super(`chunks in use were found damaged meanwhile, in packs ${packIds.join(', ')}; they will be stored again`);
    this.name = 'QuarantinedMeanwhile';
  }
}

/** Takes a damaged copy out of the index, so that the next import that brings these bytes stores them anew. */
export async function quarantine(
  store: Store,
  domainId: string,
  kind: EntryKind,
  corrupt: { readonly id: ChunkId; readonly packId: string; readonly fact: string },
): Promise<ChunkCorrupt> {
  const { id, packId, fact } = corrupt;
  await store.db.transact((tx) => quarantineChunk(tx, domainId, kind, id, packId));
  if (store.counts !== undefined) store.counts.corruptChunks += 1;
  const error = new ChunkCorrupt(id, packId, fact);
  store.log.error({ chunk: hexOf(id), pack: packId, domain: domainId }, error.message);
  return error;
}

/**
 * Copies that were in quarantine at some moment. One that came out of it, healed by an import or found right by a scrub, and is
 * found damaged again is none of these: whoever stored over it meanwhile has to know.
 */
export type KnownDamage = ReadonlySet<string>;

/** Packs pinned by the operation that have a quarantined entry besides those of `except`. */
export async function findQuarantinedPins(
  db: Queryable,
  domainId: string,
  operationId: string,
  except: KnownDamage,
): Promise<string[]> {
  const rows = await db
    .selectFrom('chunks')
    .innerJoin('pack_pins', 'pack_pins.pack_id', 'chunks.pack_id')
    .select(['chunks.kind', 'chunks.id', 'chunks.pack_id', 'chunks.times_quarantined'])
    .where('chunks.domain_id', '=', domainId)
    .where('chunks.quarantined', '=', 1)
    .where('pack_pins.operation_id', '=', operationId)
    .execute();
  return [...new Set(rows.filter((row) => !except.has(copyKey(row))).map(({ pack_id }) => pack_id))];
}

/** Every copy of the domain that is in quarantine now. */
export async function findDamage(db: Queryable, domainId: string): Promise<KnownDamage> {
  const rows = await db
    .selectFrom('chunks')
    .select(['kind', 'id', 'pack_id', 'times_quarantined'])
    .where('domain_id', '=', domainId)
    .where('quarantined', '=', 1)
    .execute();
  return new Set(rows.map(copyKey));
}

interface CopyRow {
  readonly kind: string;
  readonly id: ChunkId;
  readonly pack_id: string;
  readonly times_quarantined: number;
}

function copyKey({ kind, id, pack_id, times_quarantined }: CopyRow): string {
  return `${kind} ${chunkKey(id)} ${pack_id} ${times_quarantined}`;
}

/**
 * Before an operation goes on with a volume: segments that it wrote and that a damaged chunk may be part of are to be
 * written again. The packs with the damage are unpinned; what is still good in them is found and pinned as before.
 *
 * Returns what is in quarantine now. From here on the operation finds none of it: what it needs of that it stores anew,
 * and what stays in quarantine is nothing of its volume's.
 */
export async function dropQuarantinedSegments(
  store: Store,
  domainId: string,
  lease: WriterLease,
): Promise<KnownDamage> {
  const { db, leases } = store;
  const { operationId } = lease;
  return db.transact(async (tx) => {
    await leases.assertHeld(tx, lease);
    const damage = await findDamage(tx, domainId);
    const packIds = await findQuarantinedPins(tx, domainId, operationId, new Set());
    if (packIds.length === 0) return damage;
    const nodes = await tx
      .selectFrom('segment_packs')
      .select('node_id')
      .distinct()
      .where('domain_id', '=', domainId)
      .where('pack_id', 'in', packIds)
      .execute();
    const damaged = new Set(nodes.map(({ node_id }) => chunkKey(node_id)));
    const segments = await findSegmentCheckpoints(tx, operationId);
    // A segment without a node yet is cheap to write again: no need to know which chunks are its.
    const indexes = segments
      .filter(({ nodeId }) => nodeId === undefined || damaged.has(chunkKey(nodeId)))
      .map(({ index }) => index);
    await deleteSegmentCheckpoints(tx, operationId, indexes);
    await tx.deleteFrom('pack_pins').where('operation_id', '=', operationId).where('pack_id', 'in', packIds).execute();
    store.log.warn(
      { operationId, segments: indexes.length },
      'segments are written again: a chunk of theirs is damaged',
    );
    return damage;
  });
}
