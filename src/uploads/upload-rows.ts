import { type Selectable, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { UploadsTable } from '../db/schema.ts';
import type { Upload } from './upload.ts';

// The text of the partial index's own condition.
const isInUse = sql<boolean>`operation_id <> ''`;

export async function insertUpload(tx: Transaction, upload: Upload): Promise<void> {
  const row: Selectable<UploadsTable> = {
    id: upload.id,
    folder_id: upload.folderId,
    created_by: upload.createdBy,
    created_at: upload.createdAt.getTime(),
    length: upload.lengthBytes,
    durable_length: upload.durableBytes,
    metadata: upload.metadata,
    expires_at: upload.expiresAt.getTime(),
    operation_id: upload.operationId ?? '',
    grows: upload.grows ? 1 : 0,
  };
  await tx.insertInto('uploads').values(row).execute();
}

export async function findUpload(db: Queryable, id: string): Promise<Upload | undefined> {
  const row = await db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toUpload(row);
}

/** Which of the uploads are there and not whole; those that are not among them never will be again. */
export async function findOpenUploads(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('uploads')
    .select('id')
    .where('id', 'in', ids)
    .where((row) => row.or([row('grows', '=', 1), row('durable_length', '<', row.ref('length'))]))
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** The upload, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockUpload(tx: Transaction, id: string): Promise<Upload | undefined> {
  const row = await tx
    .updateTable('uploads')
    .set((values) => ({ operation_id: values.ref('operation_id') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toUpload(row);
}

/** The subject's uploads in a folder, oldest first. */
export async function listUploadRows(
  db: Queryable,
  { folderId, createdBy }: { readonly folderId: string; readonly createdBy: string },
): Promise<Upload[]> {
  const rows = await db
    .selectFrom('uploads')
    .selectAll()
    .where('created_by', '=', createdBy)
    .where('folder_id', '=', folderId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toUpload);
}

/** How many uploads the owner has, in all folders. */
export async function countUploads(tx: Transaction, createdBy: string): Promise<number> {
  const { uploads } = await tx
    .selectFrom('uploads')
    .select((row) => row.fn.countAll<number | string>().as('uploads'))
    .where('created_by', '=', createdBy)
    .executeTakeFirstOrThrow();
  return Number(uploads);
}

/** Bytes that have been promised room, of all uploads, and those of them that are still to come. */
export async function sumOfPromisedBytes(tx: Transaction): Promise<{ promisedBytes: number; missingBytes: number }> {
  const { promised, missing } = await tx
    .selectFrom('uploads')
    .select([
      sql<number | string | null>`sum(length)`.as('promised'),
      sql<number | string | null>`sum(length - durable_length)`.as('missing'),
    ])
    .executeTakeFirstOrThrow();
  return { promisedBytes: Number(promised ?? 0), missingBytes: Number(missing ?? 0) };
}

/**
 * Says that more is durable. False when the upload is gone, when another writer moved it on meanwhile, or when that is more
 * than it is to have: it was ended before.
 */
export async function advanceUpload(
  tx: Transaction,
  change: { readonly id: string; readonly from: number; readonly to: number; readonly expiresAt: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable('uploads')
    .set({ durable_length: change.to, expires_at: change.expiresAt.getTime() })
    .where('id', '=', change.id)
    .where('durable_length', '=', change.from)
    .where('length', '>=', change.to)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** When an upload that was let go of expires: nothing puts that off any more. */
const letGo = 0;

/** Sets aside room for more. False when another did meanwhile, when the upload was ended, and when it is gone. */
export async function lengthenUpload(
  tx: Transaction,
  { id, from, to }: { readonly id: string; readonly from: number; readonly to: number },
): Promise<boolean> {
  const result = await tx
    .updateTable('uploads')
    .set({ length: to })
    .where('id', '=', id)
    .where('length', '=', from)
    .where('grows', '=', 1)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/**
 * What is durable is all there is; it is kept until then. False when other bytes are durable by now than `durableBytes`,
 * when it was ended before, and when it is gone.
 */
export async function endUploadHere(
  tx: Transaction,
  { id, durableBytes, expiresAt }: { readonly id: string; readonly durableBytes: number; readonly expiresAt: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable('uploads')
    .set({ length: durableBytes, grows: 0, expires_at: expiresAt.getTime() })
    .where('id', '=', id)
    .where('durable_length', '=', durableBytes)
    .where('grows', '=', 1)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Puts its end off, unless it was let go of. */
export async function keepUploadUntil(tx: Transaction, id: string, expiresAt: Date): Promise<void> {
  await tx
    .updateTable('uploads')
    .set({ expires_at: expiresAt.getTime() })
    .where('id', '=', id)
    .where('expires_at', '<>', letGo)
    .execute();
}

export async function insertUploadReader(tx: Transaction, id: string, operationId: string): Promise<void> {
  await tx.insertInto('upload_readers').values({ upload_id: id, operation_id: operationId }).execute();
}

export async function hasReaders(db: Queryable, id: string): Promise<boolean> {
  const reader = db.selectFrom('upload_readers').select('upload_id').where('upload_id', '=', id).limit(1);
  return (await reader.executeTakeFirst()) !== undefined;
}

/** Leaves the upload to whoever reads it yet. */
export async function expireUpload(tx: Transaction, id: string): Promise<void> {
  await tx.updateTable('uploads').set({ expires_at: letGo }).where('id', '=', id).execute();
}

/** The operation reads no object any more. Puts the end off of what it read. May be repeated. */
export async function deleteReaderOf(tx: Transaction, operationId: string, expiresAt: Date): Promise<void> {
  await tx
    .updateTable('uploads')
    .set({ expires_at: expiresAt.getTime() })
    .where('expires_at', '<>', letGo)
    .where('id', 'in', (read) =>
      read.selectFrom('upload_readers').select('upload_id').where('operation_id', '=', operationId),
    )
    .execute();
  await tx.deleteFrom('upload_readers').where('operation_id', '=', operationId).execute();
}

export async function setUploadUser(tx: Transaction, id: string, operationId: string): Promise<void> {
  await tx.updateTable('uploads').set({ operation_id: operationId }).where('id', '=', id).execute();
}

/** Takes the operation off what it uses, if anything. May be repeated. */
export async function freeUploadOf(tx: Transaction, operationId: string, expiresAt: Date): Promise<void> {
  await tx
    .updateTable('uploads')
    .set({ operation_id: '', expires_at: expiresAt.getTime() })
    .where(isInUse)
    .where('operation_id', '=', operationId)
    .execute();
}

/** Deletes what the operation uses, if anything. May be repeated. */
export async function deleteUploadOf(tx: Transaction, operationId: string): Promise<void> {
  await tx.deleteFrom('uploads').where(isInUse).where('operation_id', '=', operationId).execute();
}

export async function deleteUploadRow(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('uploads').where('id', '=', id).execute();
}

/** Deletes what nobody uses and nobody has sent a byte for until its time was over. */
export async function deleteExpiredUploads(tx: Transaction, now: number): Promise<void> {
  await tx
    .deleteFrom('uploads')
    .where('expires_at', '<=', now)
    .where('operation_id', '=', '')
    .where('id', 'not in', (all) => all.selectFrom('upload_readers').select('upload_id'))
    .execute();
}

export function toUpload(row: Selectable<UploadsTable>): Upload {
  return {
    id: row.id,
    folderId: row.folder_id,
    createdBy: row.created_by,
    createdAt: new Date(row.created_at),
    lengthBytes: row.length,
    durableBytes: row.durable_length,
    metadata: row.metadata,
    expiresAt: new Date(row.expires_at),
    operationId: row.operation_id === '' ? undefined : row.operation_id,
    grows: row.grows === 1,
  };
}
