import { crc32 } from 'node:zlib';
import type { Transaction } from '../db/database.ts';
import { DatabaseFailed } from '../db/database-failed.ts';
import { newBlobName } from '../lib/ids.ts';
import type { Pace } from '../lib/pace.ts';
import { deleteChunksOfPacks, type IndexedEntry, insertChunks, slices } from './chunk-rows.ts';
import { copySegmentPacks, findNodesNeedingAny } from './manifest-rows.ts';
import { insertWritingPack, markPackLive, markPacksCondemned, type WriterLease } from './pack-rows.ts';
import { entryKey, findPackUses, isUnreadable, type PackUse } from './pack-use.ts';
import { PackWriter, type SealedPack } from './pack-writer.ts';
import { quarantine } from './quarantine.ts';
import { readVerified } from './read-verified.ts';
import type { Store } from './store.ts';

/** Packs of one domain, of which one new pack is made. */
export interface CompactionGroup {
  readonly domainId: string;
  readonly packIds: readonly string[];
  readonly bytes: number;
}

export interface CompactGroupOptions {
  readonly lease: WriterLease;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/** The packs that were moved away from, and how much was moved. */
export interface MovedPacks {
  readonly packs: readonly { readonly id: string; readonly sizeBytes: number }[];
  readonly movedBytes: number;
}

/**
 * Makes one new pack of what is needed of several old ones, in the order of docs/durability.md: row, bytes, fsync and
 * rename, read back, one transaction. An old pack that anything changed about meanwhile is left as it is, and the copies
 * of its entries are garbage.
 */
export async function compactGroup(
  store: Store,
  { domainId, packIds }: CompactionGroup,
  options: CompactGroupOptions,
): Promise<MovedPacks> {
  const { db, blobs, leases, now } = store;
  const { lease, signal } = options;
  await using copy = new GroupCopy(async () => {
    const id = newBlobName();
    await db.transact(async (tx) => {
      await leases.assertHeld(tx, lease);
      await insertWritingPack(tx, { id, domainId, lease, now: now() });
    });
    return PackWriter.open(blobs, id, domainId);
  });
  const copied: PackUse[] = [];
  for (const use of await findPackUses(store, domainId, packIds)) {
    signal.throwIfAborted();
    if (await copyEntries(store, domainId, use, copy, options)) copied.push(use);
  }
  const sealed = await copy.seal();
  try {
    return await db.transact((tx) =>
      commitMove(tx, store, { domainId, lease, copied, sealed, sourceOf: copy.sourceOf }),
    );
  } catch (error) {
    // Taken over: its row may be gone already, and then nobody would look for the blob before the next start. Of a
    // database that failed we don't know whether it has committed.
    if (sealed !== undefined && !(error instanceof DatabaseFailed)) await blobs.delete(sealed.id);
    throw error;
  }
}

/** The new pack, made when its first entry comes, and where its entries came from. */
class GroupCopy implements AsyncDisposable {
  /** By entry key: the old pack. */
  readonly sourceOf = new Map<string, string>();
  readonly #open: () => Promise<PackWriter>;
  #pack: PackWriter | undefined;

  constructor(open: () => Promise<PackWriter>) {
    this.#open = open;
  }

  async append(entries: readonly { readonly entry: IndexedEntry; readonly encoded: Uint8Array }[]): Promise<void> {
    this.#pack ??= await this.#open();
    await this.#pack.append(
      entries.map(({ entry: { id, kind, encoding, plainLength }, encoded }) => {
        return { id, kind, encoding, plainLength, crc: crc32(encoded), bytes: encoded };
      }),
    );
    for (const { entry } of entries) this.sourceOf.set(entryKey(entry.kind, entry.id), entry.packId);
  }

  /** Undefined when there was nothing to copy. */
  async seal(): Promise<SealedPack | undefined> {
    return this.#pack?.seal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pack?.[Symbol.asyncDispose]();
  }
}

/** Copies what is needed of a pack; false when not all of it is there. What is corrupt is quarantined. */
async function copyEntries(
  store: Store,
  domainId: string,
  { packId, live }: PackUse,
  copy: GroupCopy,
  options: CompactGroupOptions,
): Promise<boolean> {
  if (live === undefined || live.some(({ isQuarantined }) => isQuarantined)) return false;
  try {
    for await (const { good, corrupt } of readVerified(store, live, options)) {
      for (const { entry, fact } of corrupt) {
        await quarantine(store, domainId, entry.kind, { id: entry.id, packId, fact });
      }
      if (corrupt.length > 0) return false;
      await copy.append(good);
    }
    return true;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.log.error({ err: error, pack: packId }, 'a pack that is to be compacted cannot be read');
    return false;
  }
}

interface Move {
  readonly domainId: string;
  readonly lease: WriterLease;
  readonly copied: readonly PackUse[];
  readonly sealed: SealedPack | undefined;
  readonly sourceOf: ReadonlyMap<string, string>;
}

/** Packs that one statement asks for, or changes: whoever else writes to SQLite waits for all of the transaction. */
const packsAtOnce = 500;

/** The one transaction: the index says the new pack, whoever needed an old one needs the new one, and those are condemned. */
async function commitMove(
  tx: Transaction,
  { leases, now }: Store,
  { domainId, lease, copied, sealed, sourceOf }: Move,
): Promise<MovedPacks> {
  await leases.assertHeld(tx, lease);
  const moved: { id: string; sizeBytes: number; wasSealed: number }[] = [];
  for (const some of slices(copied, packsAtOnce)) moved.push(...(await findAsTheyWere(tx, domainId, some)));
  const movedIds = new Set(moved.map(({ id }) => id));
  const entries = (sealed?.entries ?? []).filter(({ kind, id }) =>
    movedIds.has(sourceOf.get(entryKey(kind, id)) ?? ''),
  );
  if (sealed !== undefined) {
    await markPackLive(tx, sealed.id, sealed.sizeBytes);
    // From here on its entries' nodes hold it; when nothing was moved it is garbage.
    await tx.deleteFrom('pack_pins').where('pack_id', '=', sealed.id).execute();
    if (moved.some(({ wasSealed }) => wasSealed === 1)) {
      await tx.updateTable('packs').set({ was_sealed: 1 }).where('id', '=', sealed.id).execute();
    }
  }
  for (const some of slices([...movedIds], packsAtOnce)) {
    await deleteChunksOfPacks(tx, some);
    if (sealed !== undefined) await copySegmentPacks(tx, domainId, some, sealed.id);
    await tx.deleteFrom('segment_packs').where('pack_id', 'in', some).execute();
    await markPacksCondemned(tx, some, now());
  }
  if (sealed !== undefined) await insertChunks(tx, domainId, sealed.id, entries);
  return { packs: moved, movedBytes: entries.reduce((sum, { encodedLength }) => sum + encodedLength, 0) };
}

/**
 * The packs of which the copy is still all that is needed: they are live; nobody has pinned them, who may refer to anything in
 * them; no node needs them that we have not looked at; and nothing of them was found damaged, which only the index row remembers.
 */
async function findAsTheyWere(tx: Transaction, domainId: string, uses: readonly PackUse[]) {
  const ids = uses.map(({ packId }) => packId);
  const packs = await tx
    .selectFrom('packs')
    .select(['id', 'size as sizeBytes', 'was_sealed as wasSealed'])
    .where('id', 'in', ids)
    .where('state', '=', 'live')
    .execute();
  const pins = await tx.selectFrom('pack_pins').select('pack_id').where('pack_id', 'in', ids).execute();
  const damaged = await tx
    .selectFrom('chunks')
    .select('pack_id')
    .distinct()
    .where('pack_id', 'in', ids)
    .where('quarantined', '=', 1)
    .execute();
  const taken = new Set([...pins, ...damaged].map(({ pack_id }) => pack_id));
  const needing = await findNodesNeedingAny(tx, domainId, ids);
  const known = new Map(uses.map(({ packId, nodes }) => [packId, nodes]));
  return packs.filter(({ id }) => {
    const nodes = [...(needing.get(id)?.keys() ?? [])];
    return !taken.has(id) && nodes.every((key) => known.get(id)?.has(key));
  });
}
