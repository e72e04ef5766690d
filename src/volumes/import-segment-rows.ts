import type { Queryable, Transaction } from '../db/database.ts';
import type { ChunkId } from './chunk-id.ts';
import { slices } from './chunk-rows.ts';
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
  operationId: string,
  segment: SegmentCheckpoint,
): Promise<void> {
  const values = {
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
    await tx
      .deleteFrom('import_segments')
      .where('operation_id', '=', operationId)
      .where('segment_index', 'in', some)
      .execute();
  }
}

export async function deleteAllSegmentCheckpoints(tx: Transaction, operationId: string): Promise<void> {
  await tx.deleteFrom('import_segments').where('operation_id', '=', operationId).execute();
}
