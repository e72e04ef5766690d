import type { Selectable } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { ObjectsTable, UploadsTable } from '../db/schema.ts';
import { objectOf, parseJson, stringMapOf } from '../lib/json.ts';
import { toUpload } from '../uploads/upload-rows.ts';
import type { Described, StoredObject, Terms } from './stored-object.ts';

export async function insertOpenObject(
  tx: Transaction,
  object: Pick<StoredObject, 'bucket' | 'name' | 'contentType' | 'described' | 'terms'> & { readonly uploadId: string },
): Promise<void> {
  const row: Selectable<ObjectsTable> = {
    upload_id: object.uploadId,
    bucket: object.bucket,
    name: object.name,
    generation: 0,
    whole_at: 0,
    content_type: object.contentType,
    md5: '',
    crc32c: '',
    described: JSON.stringify(object.described),
    terms: JSON.stringify(object.terms),
  };
  await tx.insertInto('objects').values(row).execute();
}

/** The object that the upload is or is to be. */
export async function findObjectOfUpload(db: Queryable, uploadId: string): Promise<StoredObject | undefined> {
  const row = await withUploads(db).where('upload_id', '=', uploadId).executeTakeFirst();
  return row === undefined ? undefined : toObject(row);
}

/** The whole object that has the name. */
export async function findObjectByName(
  db: Queryable,
  { bucket, name }: Pick<StoredObject, 'bucket' | 'name'>,
): Promise<StoredObject | undefined> {
  const named = withUploads(db).where('bucket', '=', bucket).where('objects.name', '=', name);
  const row = await named.where('generation', '>', 0).executeTakeFirst();
  return row === undefined ? undefined : toObject(row);
}

/** All of a bucket, open ones too, by name: never more than it may have. */
export async function listObjectRows(db: Queryable, bucket: string): Promise<StoredObject[]> {
  const rows = await withUploads(db).where('bucket', '=', bucket).orderBy('objects.name').execute();
  return rows.map(toObject);
}

export async function countObjects(tx: Transaction, bucket: string): Promise<number> {
  const { objects } = await tx
    .selectFrom('objects')
    .select((row) => row.fn.countAll<number | string>().as('objects'))
    .where('bucket', '=', bucket)
    .executeTakeFirstOrThrow();
  return Number(objects);
}

/** Gives the object its name. Whatever had it before must have lost it. */
export async function makeObjectWhole(
  tx: Transaction,
  uploadId: string,
  { generation, wholeAt, md5, crc32c }: { generation: number; wholeAt: Date; md5: string; crc32c: string },
): Promise<void> {
  await tx
    .updateTable('objects')
    .set({ generation, whole_at: wholeAt.getTime(), md5, crc32c })
    .where('upload_id', '=', uploadId)
    .execute();
}

export async function deleteObjectRow(tx: Transaction, uploadId: string): Promise<void> {
  await tx.deleteFrom('objects').where('upload_id', '=', uploadId).execute();
}

function withUploads(db: Queryable) {
  return db.selectFrom('objects').innerJoin('uploads', 'uploads.id', 'objects.upload_id').selectAll();
}

function toObject(row: Selectable<ObjectsTable> & Selectable<UploadsTable>): StoredObject {
  return {
    upload: toUpload(row),
    bucket: row.bucket,
    name: row.name,
    generation: row.generation,
    wholeAt: row.whole_at === 0 ? undefined : new Date(row.whole_at),
    contentType: row.content_type,
    md5: row.md5,
    crc32c: row.crc32c,
    described: readDescribed(row.described),
    terms: readTerms(row.terms),
  };
}

function readDescribed(text: string): Described {
  const { metadata, texts } = objectOf(parseJson(text), 'described');
  return {
    ...(metadata === undefined ? {} : { metadata: stringMapOf(metadata, 'metadata') }),
    ...(texts === undefined ? {} : { texts: stringMapOf(texts, 'texts') }),
  };
}

function readTerms(text: string): Terms {
  const stored = objectOf(parseJson(text), 'terms');
  const numbers = ['generation', 'notGeneration', 'metageneration', 'notMetageneration'] as const;
  const terms: { -readonly [Key in keyof Terms]: Terms[Key] } = {};
  for (const key of numbers) {
    const value = stored[key];
    if (typeof value === 'number') terms[key] = value;
  }
  for (const key of ['md5', 'crc32c'] as const) {
    const value = stored[key];
    if (typeof value === 'string') terms[key] = value;
  }
  return terms;
}
