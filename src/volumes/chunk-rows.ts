import type { Queryable, Transaction } from '../db/database.ts';
import type { ChunkId } from './chunk-id.ts';
import type { EntryKind, PackEntry } from './pack-format.ts';

/** Where the winner of a chunk or node is. */
export interface ChunkPlace {
  readonly id: ChunkId;
  readonly packId: string;
  readonly packOffset: number;
  readonly encodedLength: number;
  readonly plainLength: number;
  readonly encoding: PackEntry['encoding'];
}

/** Ids asked for in one statement; both databases take tens of thousands of parameters, but plan fewer faster. */
const idsAtOnce = 500;

/** Rows of an insert; nine parameters each. */
const rowsAtOnce = 200;

export function* slices<T>(items: readonly T[], size: number): Iterable<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** The places of those ids that the index knows; quarantined ones count as unknown. */
export async function findChunks(
  db: Queryable,
  domainId: string,
  kind: EntryKind,
  ids: readonly ChunkId[],
): Promise<ChunkPlace[]> {
  const found: ChunkPlace[] = [];
  for (const some of slices(ids, idsAtOnce)) {
    const rows = await db
      .selectFrom('chunks')
      .select(['id', 'pack_id', 'pack_offset', 'encoded_length', 'plain_length', 'encoding'])
      .where('domain_id', '=', domainId)
      .where('kind', '=', kind)
      .where('id', 'in', some)
      .where('quarantined', '=', 0)
      .execute();
    for (const row of rows) {
      found.push({
        id: row.id,
        packId: row.pack_id,
        packOffset: row.pack_offset,
        encodedLength: row.encoded_length,
        plainLength: row.plain_length,
        encoding: row.encoding,
      });
    }
  }
  return found;
}

/**
 * Adds a pack's entries to the index. Where the index has one already that one stays, and the new copy is garbage;
 * a quarantined one is replaced: the new bytes heal it.
 */
export async function insertChunks(
  tx: Transaction,
  domainId: string,
  packId: string,
  entries: readonly PackEntry[],
): Promise<void> {
  for (const some of slices(entries, rowsAtOnce)) {
    await tx
      .insertInto('chunks')
      .values(
        some.map((entry) => ({
          domain_id: domainId,
          kind: entry.kind,
          id: entry.id,
          pack_id: packId,
          pack_offset: entry.offset,
          encoded_length: entry.encodedLength,
          plain_length: entry.plainLength,
          encoding: entry.encoding,
          quarantined: 0,
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['domain_id', 'kind', 'id'])
          .doUpdateSet((update) => ({
            pack_id: update.ref('excluded.pack_id'),
            pack_offset: update.ref('excluded.pack_offset'),
            encoded_length: update.ref('excluded.encoded_length'),
            plain_length: update.ref('excluded.plain_length'),
            encoding: update.ref('excluded.encoding'),
            quarantined: 0,
          }))
          .where('chunks.quarantined', '=', 1),
      )
      .execute();
  }
}

/** Which of these ids are quarantined, and in which pack. */
export async function findQuarantined(
  db: Queryable,
  domainId: string,
  ids: readonly ChunkId[],
): Promise<{ id: ChunkId; packId: string }[]> {
  const found: { id: ChunkId; packId: string }[] = [];
  for (const some of slices(ids, idsAtOnce)) {
    const rows = await db
      .selectFrom('chunks')
      .select(['id', 'pack_id'])
      .where('domain_id', '=', domainId)
      .where('quarantined', '=', 1)
      .where('kind', 'in', ['chunk', 'node'])
      .where('id', 'in', some)
      .execute();
    for (const row of rows) found.push({ id: row.id, packId: row.pack_id });
  }
  return found;
}

/** From now on the index does not know these bytes, and whoever reads them is told so. Only the copy in that pack. */
export async function quarantineChunk(
  tx: Transaction,
  domainId: string,
  kind: EntryKind,
  id: ChunkId,
  packId: string,
): Promise<void> {
  await copyIn(tx, domainId, kind, id, packId)
    .set((row) => ({ quarantined: 1, times_quarantined: row('times_quarantined', '+', 1) }))
    .where('quarantined', '=', 0)
    .execute();
}

/** The copy in that pack was found to be right: it is known again. */
export async function releaseChunk(
  tx: Transaction,
  domainId: string,
  kind: EntryKind,
  id: ChunkId,
  packId: string,
): Promise<void> {
  await copyIn(tx, domainId, kind, id, packId).set({ quarantined: 0 }).execute();
}

function copyIn(tx: Transaction, domainId: string, kind: EntryKind, id: ChunkId, packId: string) {
  return tx
    .updateTable('chunks')
    .where('domain_id', '=', domainId)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .where('pack_id', '=', packId);
}

/** A row of the index, whole. */
export interface IndexedEntry extends ChunkPlace {
  readonly kind: EntryKind;
  readonly isQuarantined: boolean;
}

/** Everything that the index has in a pack, in the order of the pack. */
export async function findEntriesOfPack(db: Queryable, packId: string): Promise<IndexedEntry[]> {
  const rows = await db.selectFrom('chunks').selectAll().where('pack_id', '=', packId).orderBy('pack_offset').execute();
  return rows.map((row) => ({
    kind: row.kind,
    id: row.id,
    packId: row.pack_id,
    packOffset: row.pack_offset,
    encodedLength: row.encoded_length,
    plainLength: row.plain_length,
    encoding: row.encoding,
    isQuarantined: row.quarantined === 1,
  }));
}

export async function deleteChunksOfPacks(tx: Transaction, packIds: readonly string[]): Promise<void> {
  await tx.deleteFrom('chunks').where('pack_id', 'in', packIds).execute();
}
