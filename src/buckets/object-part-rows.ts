import type { Selectable } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { ObjectPartsTable, UploadsTable } from '../db/schema.ts';
import { toUpload } from '../uploads/upload-rows.ts';
import type { ObjectPart } from './object-part.ts';

export async function insertComingPart(
  tx: Transaction,
  { uploadId, sessionId, number }: { readonly uploadId: string; readonly sessionId: string; readonly number: number },
): Promise<void> {
  const row = { upload_id: uploadId, session_id: sessionId, number, md5: '', is_chosen: 0 };
  await tx.insertInto('object_parts').values(row).execute();
}

/** All of an object, those that are coming, too, by number. */
export async function listPartRows(db: Queryable, sessionId: string): Promise<ObjectPart[]> {
  const rows = await db
    .selectFrom('object_parts')
    .innerJoin('uploads', 'uploads.id', 'object_parts.upload_id')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('number')
    .execute();
  return rows.map(toPart);
}

/** The uploads of the other parts of a number that are there. */
export async function listOtherPartIds(
  tx: Transaction,
  { uploadId, sessionId, number }: { readonly uploadId: string; readonly sessionId: string; readonly number: number },
): Promise<string[]> {
  const there = tx.selectFrom('object_parts').select('upload_id').where('session_id', '=', sessionId);
  const others = there.where('number', '=', number).where('md5', '!=', '').where('upload_id', '!=', uploadId);
  return (await others.execute()).map((row) => row.upload_id);
}

/** Of all objects of a bucket. */
export async function countParts(tx: Transaction, bucket: string): Promise<number> {
  const { parts } = await tx
    .selectFrom('object_parts')
    .innerJoin('objects', 'objects.upload_id', 'object_parts.session_id')
    .select((row) => row.fn.countAll<number | string>().as('parts'))
    .where('objects.bucket', '=', bucket)
    .executeTakeFirstOrThrow();
  return Number(parts);
}

/** Whether the client has said which parts are the object. */
export async function arePartsChosen(db: Queryable, sessionId: string): Promise<boolean> {
  const chosen = db.selectFrom('object_parts').select('upload_id').where('session_id', '=', sessionId);
  return (await chosen.where('is_chosen', '=', 1).limit(1).executeTakeFirst()) !== undefined;
}

/** The part is there. Returns whether it was still known. */
export async function markPartThere(
  tx: Transaction,
  { uploadId, md5 }: { readonly uploadId: string; readonly md5: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('object_parts')
    .set({ md5 })
    .where('upload_id', '=', uploadId)
    .returning('upload_id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function markPartsChosen(tx: Transaction, sessionId: string): Promise<void> {
  await tx.updateTable('object_parts').set({ is_chosen: 1 }).where('session_id', '=', sessionId).execute();
}

/** Puts off the end of an object that is sent in parts, and of its parts. */
export async function keepPartsUntil(tx: Transaction, sessionId: string, expiresAt: Date): Promise<void> {
  const parts = tx.selectFrom('object_parts').select('upload_id').where('session_id', '=', sessionId);
  await tx
    .updateTable('uploads')
    .set({ expires_at: expiresAt.getTime() })
    .where((row) => row.or([row('id', '=', sessionId), row('id', 'in', parts)]))
    .execute();
}

function toPart(row: Selectable<ObjectPartsTable> & Selectable<UploadsTable>): ObjectPart {
  return {
    upload: toUpload(row),
    sessionId: row.session_id,
    number: row.number,
    md5: row.md5,
    isChosen: row.is_chosen === 1,
  };
}
