import type { Queryable, Transaction } from '../db/database.ts';
import { newId } from '../lib/ids.ts';
import { type ChunkId, hexOf } from './chunk-id.ts';
import { deleteChunksOfPacks } from './chunk-rows.ts';
import { type Finding, remedies } from './finding.ts';
import { decodeRoot, nodeKindOf } from './manifest.ts';
import { readNode } from './manifest-reader.ts';
import { isUnreadable } from './pack-use.ts';
import { type RebuiltIndex, rebuildIndex } from './rebuild-index.ts';
import { type RebuiltManifest, rebuildManifest } from './rebuild-volume.ts';
import type { Store } from './store.ts';
import { insertVolume, type Volume } from './volume-rows.ts';

/** What a rebuild found and made. */
export interface Rebuilt {
  readonly packs: number;
  readonly entries: number;
  /** Volumes that the metadata knew. */
  readonly knownVolumes: number;
  /** Volumes that it had lost. */
  readonly recoveredVolumes: number;
  readonly findings: readonly Finding[];
}

/** A volume that somebody names and that has no row. */
export interface LostVolume {
  readonly id: string;
  /** The domains that it may be in, the likeliest first; one at least. */
  readonly domainIds: readonly string[];
  readonly sizeBytes: number;
  /** In hexadecimal digits. */
  readonly guestDigest: string;
}

export interface RebuildOptions {
  readonly signal: AbortSignal;
  readonly lostVolumes: readonly LostVolume[];
  /** Somebody is to hold a volume that nobody names any more. In the transaction that makes it. */
  readonly onRecovered: (tx: Transaction, volume: Volume) => Promise<void>;
}

/** In `settings` while a rebuild is under way: what the database says of the store is not to be relied on. */
const markName = 'store_rebuild';

/** A rebuild was begun and did not end: nothing but another rebuild may touch the store. */
export async function isRebuildUnfinished(db: Queryable): Promise<boolean> {
  const row = await db.selectFrom('settings').select('name').where('name', '=', markName).executeTakeFirst();
  return row !== undefined;
}

/**
 * Makes everything that the database says of the store again, from the packs alone: packs, index, edges, needs, volumes.
 * No blob is changed or deleted. Nobody else may use the store meanwhile; it may be killed anywhere and is then begun
 * anew, and until it has ended the service does not start.
 *
 * Volumes that the database knows stay. A volume that it does not know comes back if its root is in a pack that it does
 * not know either, or if somebody names it: any other was deleted, and its packs only wait to be collected. Imports
 * under way begin again; what they had stored is still found.
 */
export async function rebuildStore(store: Store, options: RebuildOptions): Promise<Rebuilt> {
  const { signal } = options;
  const findings: Finding[] = [];
  await store.db.transact(clear);
  const index = await rebuildIndex(store, { signal, onFinding: (finding) => findings.push(finding) });

  const known = await store.db.read.selectFrom('volumes').select(['id', 'domain_id', 'root_id']).execute();
  for (const { id, domain_id, root_id } of known) {
    signal.throwIfAborted();
    const manifest = await tryManifest(store, domain_id, root_id);
    if (typeof manifest !== 'string' && manifest.lacks === undefined) continue;
    findings.push(unreadable(id, typeof manifest === 'string' ? manifest : manifest.lacks));
  }
  let recoveredVolumes = 0;
  for (const root of await findLostRoots(store, index, options)) {
    signal.throwIfAborted();
    const manifest = await tryManifest(store, root.domainId, root.id);
    if (typeof manifest === 'string' || manifest.lacks !== undefined) {
      findings.push(unreadable(hexOf(root.id), typeof manifest === 'string' ? manifest : manifest.lacks));
      continue;
    }
    await store.db.transact((tx) => recoverVolume(tx, store, root, manifest, options));
    recoveredVolumes += 1;
  }
  await store.db.transact((tx) => finish(tx, index));
  const { packs, entries } = index;
  return { packs, entries, knownVolumes: known.length, recoveredVolumes, findings };
}

/** The mark, and everything away that is made again. Volumes stay: who is READY is not ours to forget. */
async function clear(tx: Transaction): Promise<void> {
  await tx
    .insertInto('settings')
    .values({ name: markName, value: 'unfinished' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  for (const table of [
    'import_segments',
    'loose_nodes',
    'pack_pins',
    'segment_packs',
    'manifest_edges',
    'chunks',
  ] as const) {
    await tx.deleteFrom(table).execute();
  }
}

/** Condemned packs that something needs after all are live again; the others' entries leave the index. */
async function finish(tx: Transaction, { condemnedPacks }: RebuiltIndex): Promise<void> {
  for (const packId of condemnedPacks) {
    const need = await tx
      .selectFrom('segment_packs')
      .select('pack_id')
      .where('pack_id', '=', packId)
      .executeTakeFirst();
    if (need === undefined) await deleteChunksOfPacks(tx, [packId]);
    else await tx.updateTable('packs').set({ state: 'live', condemned_at: null }).where('id', '=', packId).execute();
  }
  await tx.deleteFrom('settings').where('name', '=', markName).execute();
}

interface LostRoot {
  readonly id: ChunkId;
  readonly domainId: string;
  /** Whose it is, when somebody names it. */
  readonly volumeId: string | undefined;
}

/** Roots without a volume that are to have one: those that somebody names, and those of packs that nobody knew. */
async function findLostRoots(
  store: Store,
  { unknownPacks }: RebuiltIndex,
  { lostVolumes, signal }: RebuildOptions,
): Promise<LostRoot[]> {
  const ownerless = await findOwnerlessRoots(store, signal);
  const byContent = Map.groupBy(ownerless, contentKey);
  const owners = new Map<OwnerlessRoot, string>();
  // Two domains may have the same content, each as a volume of its own: first the volumes that can be in one only.
  for (const lost of lostVolumes.toSorted((a, b) => a.domainIds.length - b.domainIds.length)) {
    const found = lost.domainIds
      .flatMap((domainId) => byContent.get(contentKey({ ...lost, domainId })) ?? [])
      .find((root) => !owners.has(root));
    if (found !== undefined) owners.set(found, lost.id);
  }
  return ownerless
    .filter((root) => owners.has(root) || unknownPacks.has(root.packId))
    .map((root) => ({ id: root.id, domainId: root.domainId, volumeId: owners.get(root) }));
}

interface OwnerlessRoot {
  readonly id: ChunkId;
  readonly domainId: string;
  readonly packId: string;
  readonly sizeBytes: number;
  /** In hexadecimal digits. */
  readonly guestDigest: string;
}

function contentKey({ domainId, sizeBytes, guestDigest }: Omit<OwnerlessRoot, 'id' | 'packId'>): string {
  return `${domainId} ${sizeBytes} ${guestDigest}`;
}

/** Every root that is stored and that no volume has. */
async function findOwnerlessRoots(store: Store, signal: AbortSignal): Promise<OwnerlessRoot[]> {
  const roots: OwnerlessRoot[] = [];
  let last: { domainId: string; id: ChunkId } = { domainId: '', id: new Uint8Array() };
  for (;;) {
    const nodes = await store.db.read
      .selectFrom('chunks')
      .leftJoin('volumes', (join) =>
        join.onRef('volumes.domain_id', '=', 'chunks.domain_id').onRef('volumes.root_id', '=', 'chunks.id'),
      )
      .select(['chunks.domain_id', 'chunks.id', 'chunks.pack_id', 'volumes.id as volume_id'])
      .where('chunks.kind', '=', 'node')
      .where((row) =>
        row.or([
          row('chunks.domain_id', '>', last.domainId),
          row.and([row('chunks.domain_id', '=', last.domainId), row('chunks.id', '>', last.id)]),
        ]),
      )
      .orderBy('chunks.domain_id')
      .orderBy('chunks.id')
      .limit(200)
      .execute();
    for (const { domain_id: domainId, id, pack_id, volume_id } of nodes) {
      signal.throwIfAborted();
      last = { domainId, id };
      if (volume_id !== null) continue;
      const root = await tryRoot(store, domainId, id);
      if (root === undefined) continue;
      const { sizeBytes, guestDigest } = root;
      roots.push({ id, domainId, packId: pack_id, sizeBytes, guestDigest: hexOf(guestDigest) });
    }
    if (nodes.length === 0) return roots;
  }
}

async function tryRoot(store: Store, domainId: string, id: ChunkId) {
  try {
    const bytes = await readNode(store, domainId, id);
    return nodeKindOf(bytes) === 'root' ? decodeRoot(bytes) : undefined;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

async function recoverVolume(
  tx: Transaction,
  { now }: Store,
  root: LostRoot,
  { sizeBytes, guestDigest, storedBytes }: RebuiltManifest,
  { onRecovered }: RebuildOptions,
): Promise<void> {
  const { domainId, id: rootId } = root;
  const id = root.volumeId ?? newId('vol');
  const volume = await insertVolume(tx, { id, domainId, sizeBytes, rootId, storedBytes, guestDigest }, now());
  if (root.volumeId === undefined) await onRecovered(tx, volume);
}

/** The manifest, or why its root can't be read. */
async function tryManifest(store: Store, domainId: string, rootId: ChunkId): Promise<RebuiltManifest | string> {
  try {
    return await rebuildManifest(store, domainId, rootId);
  } catch (error) {
    if (isUnreadable(error)) return error.message;
    throw error;
  }
}

function unreadable(id: string, fact: string | undefined): Finding {
  const what = `not all of it is there: ${fact ?? 'its root'}`;
  return { severity: 'error', what: 'volume-unreadable', id, fact: what, remedy: remedies.importAgain };
}
