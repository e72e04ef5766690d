import type { Queryable, Transaction } from '../db/database.ts';
import type { ChunkId } from './chunk-id.ts';
import { slices } from './chunk-rows.ts';
import { loosenNodes } from './loose-nodes.ts';
import { decodeSegment, encodeSegment, type ManifestExtent } from './manifest.ts';

/** How far a segment of a volume that is being written has come, durably. */
export interface SegmentCheckpoint {
  readonly index: number;
  /** Guest bytes from the segment's start that are durable. */
  readonly doneBytes: number;
  /** What they are made of; empty once the node says it. */
  readonly extents: readonly ManifestExtent[];
  /** The segment's node, once the segment is complete. */
  readonly nodeId: ChunkId | undefined;
  /** The digest of its guest bytes, if it is known. */
  readonly digest: Uint8Array | undefined;
  readonly storedBytes: number;
}

export async function upsertSegmentCheckpoint(
  tx: Transaction,
  { operationId, domainId }: { readonly operationId: string; readonly domainId: string },
  segment: SegmentCheckpoint,
): Promise<void> {
  const values = {
    domain_id: domainId,
    done_bytes: segment.doneBytes,
    extents: segment.nodeId === undefined ? encodeSegment(segment.extents) : null,
    node_id: segment.nodeId ?? null,
    digest: segment.digest ?? null,
    stored_bytes: segment.storedBytes,
  };
  await tx
    .insertInto('import_segments')
    .values({ operation_id: operationId, segment_index: segment.index, ...values })
    .onConflict((conflict) => conflict.columns(['operation_id', 'segment_index']).doUpdateSet(values))
    .execute();
}

export async function findSegmentCheckpoints(db: Queryable, operationId: string): Promise<SegmentCheckpoint[]> {
  const rows = await db
    .selectFrom('import_segments')
    .selectAll()
    .where('operation_id', '=', operationId)
    .orderBy('segment_index')
    .execute();
  return rows.map((row) => ({
    index: row.segment_index,
    doneBytes: row.done_bytes,
    extents: row.extents === null ? [] : decodeSegment(row.extents),
    nodeId: row.node_id ?? undefined,
    digest: row.digest ?? undefined,
    storedBytes: row.stored_bytes,
  }));
}

/** Encoded bytes of the segments so far, each as if it stood alone. */
export async function sumStoredBytes(db: Queryable, operationId: string): Promise<number> {
  const row = await db
    .selectFrom('import_segments')
    .select((sums) => sums.fn.sum<number | bigint | string>('stored_bytes').as('bytes'))
    .where('operation_id', '=', operationId)
    .executeTakeFirst();
  return Number(row?.bytes ?? 0);
}

/** Guest bytes that are durable, in all segments. */
export async function sumDoneBytes(db: Queryable, operationId: string): Promise<number> {
  const row = await db
    .selectFrom('import_segments')
    .select((sums) => sums.fn.sum<number | bigint | string>('done_bytes').as('bytes'))
    .where('operation_id', '=', operationId)
    .executeTakeFirst();
  return Number(row?.bytes ?? 0);
}

/** Those segments are to be written again. */
export async function deleteSegmentCheckpoints(
  tx: Transaction,
  operationId: string,
  indexes: readonly number[],
): Promise<void> {
  for (const some of slices(indexes, 500)) {
    await loosenSegments(tx, operationId, some);
    await tx
      .deleteFrom('import_segments')
      .where('operation_id', '=', operationId)
      .where('segment_index', 'in', some)
      .execute();
  }
}

/** What it wrote is held by a volume. */
export async function deleteAllSegmentCheckpoints(tx: Transaction, operationId: string): Promise<void> {
  await tx.deleteFrom('import_segments').where('operation_id', '=', operationId).execute();
}

/** What it wrote is to be in no volume, or is to be written again. May be repeated. */
export async function dropAllSegmentCheckpoints(tx: Transaction, operationId: string): Promise<void> {
  await loosenSegments(tx, operationId);
  await deleteAllSegmentCheckpoints(tx, operationId);
}

function loosenSegments(tx: Transaction, operationId: string, indexes?: readonly number[]): Promise<void> {
  let segments = tx
    .selectFrom('import_segments')
    .select(['domain_id', 'node_id'])
    .where('operation_id', '=', operationId)
    .where('node_id', 'is not', null)
    .where('domain_id', '<>', '');
  if (indexes !== undefined) segments = segments.where('segment_index', 'in', indexes);
  return loosenNodes(tx, segments.distinct().$narrowType<{ node_id: Uint8Array }>());
}
