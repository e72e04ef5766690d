import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';
import type { AttachmentsTable } from '../db/schema.ts';
import type { Attachment } from './attachment.ts';

/** Throws DatabaseFailed with `isConstraint` when the disk has another writer. */
export async function insertAttachment(tx: Transaction, attachment: Attachment, ticketSha256: string): Promise<void> {
  const { resource, mode } = attachment;
  await tx
    .insertInto('attachments')
    .values({
      id: attachment.id,
      folder_id: attachment.folderId,
      kind: resource.kind,
      resource_id: resource.id,
      mode,
      ticket_sha256: ticketSha256,
      created_at: attachment.createdAt.getTime(),
      created_by: attachment.createdBy,
      expires_at: attachment.expiresAt?.getTime() ?? null,
      node_id: attachment.nodeId,
    })
    .execute();
}

export async function findAttachment(db: Queryable, id: string): Promise<Attachment | undefined> {
  const row = await db.selectFrom('attachments').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toAttachment(row);
}

export async function findByTicket(db: Queryable, ticketSha256: string): Promise<Attachment | undefined> {
  const found = db.selectFrom('attachments').selectAll().where('ticket_sha256', '=', ticketSha256);
  const row = await found.executeTakeFirst();
  return row === undefined ? undefined : toAttachment(row);
}

/** The disk's one writer, expired or not. */
export async function findWriter(db: Queryable, diskId: string): Promise<Attachment | undefined> {
  const found = db
    .selectFrom('attachments')
    .selectAll()
    .where('resource_id', '=', diskId)
    // The text of the partial index's own condition: a bound parameter in its place would leave the index unused.
    .where(sql<boolean>`mode = 'read-write'`);
  const row = await found.executeTakeFirst();
  return row === undefined ? undefined : toAttachment(row);
}

/** Whether the disk has attachments, expired or not. */
export async function isAttached(db: Queryable, diskId: string): Promise<boolean> {
  const some = db.selectFrom('attachments').select('id').where('resource_id', '=', diskId).limit(1);
  return (await some.executeTakeFirst()) !== undefined;
}

/** An attachment of the disk that may still be used. */
export async function findUsable(db: Queryable, diskId: string): Promise<{ id: string } | undefined> {
  return db
    .selectFrom('attachments')
    .select('id')
    .where('resource_id', '=', diskId)
    .where(isUsable(db))
    .limit(1)
    .executeTakeFirst();
}

/** Ids of those that were not used in time. */
export async function findExpired(
  db: Queryable,
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<string[]> {
  const rows = await db.selectFrom('attachments').select('id').where('expires_at', '<=', now).limit(limit).execute();
  return rows.map(({ id }) => id);
}

/** In order of id, behind `afterId`; without those that were not used in time. */
export async function listAttachmentRows(
  db: Queryable,
  { folderId, afterId, limit }: { readonly folderId: string; readonly afterId: string; readonly limit: number },
): Promise<Attachment[]> {
  const rows = await db
    .selectFrom('attachments')
    .selectAll()
    .where('folder_id', '=', folderId)
    .where('id', '>', afterId)
    .where(isUsable(db))
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(toAttachment);
}

/** By the database's time, as all who ask have it. */
function isUsable(db: Queryable): RawBuilder<boolean> {
  return sql<boolean>`(expires_at is null or expires_at > ${databaseTime(db)})`;
}

/** It was used: from now on it lasts. Says whether it is still there. */
export async function keepAttachment(tx: Transaction, id: string): Promise<boolean> {
  const kept = tx.updateTable('attachments').set({ expires_at: null }).where('id', '=', id).returning('id');
  return (await kept.executeTakeFirst()) !== undefined;
}

/** Those of a node. */
export async function findAttachmentsAt(db: Queryable, nodeId: string): Promise<string[]> {
  const rows = await db.selectFrom('attachments').select('id').where('node_id', '=', nodeId).execute();
  return rows.map(({ id }) => id);
}

export async function countAttachmentsByNode(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('attachments')
    .select((row) => ['node_id', row.fn.countAll<number | string>().as('attachments')])
    .groupBy('node_id')
    .execute();
  return new Map(rows.map((row) => [row.node_id, Number(row.attachments)]));
}

/** Those of the ids that are still attachments. */
export async function findStillAttached(db: Queryable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.selectFrom('attachments').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id));
}

/**
 * Takes over the attachments that are at no node, but for those of disks that are at another; where there are no other nodes,
 * all of them.
 */
export async function adoptAttachments(
  tx: Transaction,
  nodeId: string,
  { ofAllNodes }: { readonly ofAllNodes: boolean },
): Promise<void> {
  const adopted = tx.updateTable('attachments').set({ node_id: nodeId });
  if (ofAllNodes) {
    await adopted.where('node_id', '<>', nodeId).execute();
    return;
  }
  const here = tx.selectFrom('disks').select('id').where('node_id', '=', nodeId);
  await adopted
    .where('node_id', '=', '')
    .where((row) => row.or([row('kind', '<>', 'disk'), row('resource_id', 'in', here)]))
    .execute();
}

/** May be repeated. */
export async function deleteAttachmentRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('attachments').where('id', '=', id).execute();
}

function toAttachment(row: Selectable<AttachmentsTable>): Attachment {
  return {
    id: row.id,
    folderId: row.folder_id,
    resource: { kind: row.kind, id: row.resource_id },
    nodeId: row.node_id,
    mode: row.mode,
    createdAt: new Date(row.created_at),
    createdBy: row.created_by,
    expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at),
  };
}
