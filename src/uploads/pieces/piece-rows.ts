import { type Selectable, sql } from 'kysely';
import type { Queryable, Transaction } from '../../db/database.ts';
import type { UploadPiecesTable } from '../../db/schema.ts';
import type { Piece } from './piece.ts';

/** Of whom pieces are whose place another one took: no upload. They are garbage, as those of uploads that are gone. */
const nobody = '';

/** Rows of one statement: what SQLite has variables for, and no more than a few milliseconds. */
const rowsAtOnce = 500;

export async function insertPieces(tx: Transaction, uploadId: string, pieces: readonly Piece[]): Promise<void> {
  for (const some of inGroups(pieces)) {
    const rows: Selectable<UploadPiecesTable>[] = some.map(({ blobName, start, sizeBytes, sums }) => {
      return { blob_name: blobName, upload_id: uploadId, start, size: sizeBytes, sums };
    });
    await tx.insertInto('upload_pieces').values(rows).execute();
  }
}

/** Their bytes are in another piece now. */
export async function disownPieces(tx: Transaction, pieces: readonly Piece[]): Promise<void> {
  for (const some of inGroups(pieces)) {
    const names = some.map(({ blobName }) => blobName);
    await tx.updateTable('upload_pieces').set({ upload_id: nobody }).where('blob_name', 'in', names).execute();
  }
}

/** The pieces of an upload that begin in a range of it, in order. */
export async function listPieces(
  db: Queryable,
  { uploadId, start, end }: { readonly uploadId: string; readonly start: number; readonly end: number },
): Promise<Piece[]> {
  const rows = await db
    .selectFrom('upload_pieces')
    .selectAll()
    .where('upload_id', '=', uploadId)
    .where('start', '>=', start)
    .where('start', '<', end)
    .orderBy('start')
    .execute();
  return rows.map(({ blob_name, start, size, sums }) => ({ blobName: blob_name, start, sizeBytes: size, sums }));
}

/** Whom pieces are of that can go; by one look into the index for each upload that has any. */
export async function listGoneOwners(db: Queryable): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive owners(id) as (
      select min(upload_id) from upload_pieces
      union all
      select (select min(upload_id) from upload_pieces where upload_id > owners.id) from owners where id is not null
    )
    select id from owners where id is not null and not exists (select 1 from uploads where uploads.id = owners.id)
  `.execute(db);
  return rows.map(({ id }) => id);
}

/** Some blobs of pieces of an owner. */
export async function listBlobsOf(db: Queryable, owner: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('upload_pieces')
    .select('blob_name')
    .where('upload_id', '=', owner)
    .orderBy('start')
    .limit(limit)
    .execute();
  return rows.map(({ blob_name }) => blob_name);
}

/** Which of the names have a row. */
export async function findKnownBlobs(db: Queryable, names: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>();
  for (const some of inGroups(names)) {
    const rows = await db.selectFrom('upload_pieces').select('blob_name').where('blob_name', 'in', some).execute();
    for (const { blob_name } of rows) known.add(blob_name);
  }
  return known;
}

export async function deletePieces(tx: Transaction, blobNames: readonly string[]): Promise<void> {
  for (const some of inGroups(blobNames)) {
    await tx.deleteFrom('upload_pieces').where('blob_name', 'in', some).execute();
  }
}

function* inGroups<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  for (let at = 0; at < items.length; at += rowsAtOnce) yield items.slice(at, at + rowsAtOnce);
}
