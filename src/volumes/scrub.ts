import { BlobFailed } from '../blobs/blob-failed.ts';
import type { Pace } from '../lib/pace.ts';
import { hexOf } from './chunk-id.ts';
import { findEntriesOfPack, type IndexedEntry } from './chunk-rows.ts';
import { type Finding, remedies } from './finding.ts';
import { decodeSegment, nodeKindOf } from './manifest.ts';
import { readNode } from './manifest-reader.ts';
import { findNodesNeeding } from './manifest-rows.ts';
import { entryKey, isUnreadable } from './pack-use.ts';
import { quarantine } from './quarantine.ts';
import { readVerified } from './read-verified.ts';
import type { Store } from './store.ts';
import { findVolumesOfNodes } from './volumes-of-nodes.ts';

/** How far a scrub is: packs are read in the order of their names. */
export interface ScrubPosition {
  /** The last pack that was read whole; '' before the first. */
  readonly packId: string;
  readonly packs: number;
  readonly chunks: number;
  readonly bytes: number;
}

export const scrubStart: ScrubPosition = { packId: '', packs: 0, chunks: 0, bytes: 0 };

export interface ScrubOptions {
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Where an earlier run came to; packs that were made since then with a smaller name are not read. */
  readonly from: ScrubPosition;
  /** So many bytes of packs were just read. */
  readonly onRead?: (bytes: number) => void;
  /** Called behind each pack, with what was found in it. */
  readonly onPack: (position: ScrubPosition, findings: readonly Finding[]) => Promise<void>;
}

/** Bytes of live packs: what a whole scrub reads. */
export async function measureScrub({ db }: Store): Promise<number> {
  const row = await db.read
    .selectFrom('packs')
    .select((packs) => packs.fn.sum<number>('size').as('bytes'))
    .where('state', '=', 'live')
    .executeTakeFirst();
  return Number(row?.bytes ?? 0);
}

/**
 * Reads every chunk and node that the index has, and holds it against its id. What is damaged is quarantined, so that
 * nobody is given it and the next import of those bytes heals it.
 */
export async function scrub(
  store: Store,
  { pace, signal, from, onRead, onPack }: ScrubOptions,
): Promise<ScrubPosition> {
  let position = from;
  for (;;) {
    const pack = await store.db.read
      .selectFrom('packs')
      .select(['id', 'domain_id', 'size'])
      .where('state', '=', 'live')
      .where('id', '>', position.packId)
      .orderBy('id')
      .executeTakeFirst();
    if (pack === undefined) return position;
    const entries = (await findEntriesOfPack(store.db.read, pack.id)).filter(({ isQuarantined }) => !isQuarantined);
    const damaged = await findDamaged(store, pack.id, entries, { pace, signal, onRead });
    for (const { entry, fact } of damaged) {
      await quarantine(store, pack.domain_id, entry.kind, { id: entry.id, packId: pack.id, fact });
    }
    position = {
      packId: pack.id,
      packs: position.packs + 1,
      chunks: position.chunks + entries.length,
      bytes: position.bytes + pack.size,
    };
    await onPack(position, await describe(store, pack.domain_id, pack.id, damaged));
  }
}

interface Damaged {
  readonly entry: IndexedEntry;
  readonly fact: string;
}

async function findDamaged(
  store: Store,
  packId: string,
  entries: readonly IndexedEntry[],
  { onRead, ...options }: Pick<ScrubOptions, 'pace' | 'signal'> & { onRead: ScrubOptions['onRead'] },
): Promise<Damaged[]> {
  const damaged: Damaged[] = [];
  const good = new Set<string>();
  try {
    // One that is open already could still be read after it was deleted.
    if ((await store.blobs.stat(packId)) === undefined) throw new BlobFailed('missing', packId, 'it is gone');
    for await (const read of readVerified(store, entries, options)) {
      for (const { entry } of read.good) good.add(entryKey(entry.kind, entry.id));
      damaged.push(...read.corrupt);
      onRead?.(read.bytes);
    }
    return damaged;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    // A compaction may have moved the rest; what the index still has here, nobody can read.
    const still = await findEntriesOfPack(store.db.read, packId);
    return still
      .filter(({ kind, id, isQuarantined }) => !isQuarantined && !good.has(entryKey(kind, id)))
      .map((entry) => ({ entry, fact: error.message }));
  }
}

/** One finding for all that is damaged in a pack, with the volumes and their holders that it touches. */
async function describe(
  store: Store,
  domainId: string,
  packId: string,
  damaged: readonly Damaged[],
): Promise<Finding[]> {
  const [first] = damaged;
  if (first === undefined) return [];
  const nodes = await findNodesNaming(store, domainId, packId, damaged);
  const holders = await findVolumesOfNodes(store.db.read, domainId, nodes);
  const touched = holders.length === 0 ? 'no image needs them' : `needed by ${holders.join(', ')}`;
  const fact = `${damaged.length} chunks are damaged, ${touched}; the first is ${hexOf(first.entry.id)}: ${first.fact}`;
  return [{ severity: 'error', what: 'chunk-corrupt', id: packId, fact, remedy: remedies.importAgain }];
}

/** Nodes that are damaged themselves or name a damaged chunk; one that can't be read may name any. */
async function findNodesNaming(store: Store, domainId: string, packId: string, damaged: readonly Damaged[]) {
  const bad = new Set(damaged.map(({ entry }) => entryKey(entry.kind, entry.id)));
  const naming = [];
  for (const id of (await findNodesNeeding(store.db.read, domainId, packId)).values()) {
    if (bad.has(entryKey('node', id)) || (await namesAny(store, domainId, id, bad))) naming.push(id);
  }
  return naming;
}

async function namesAny(store: Store, domainId: string, nodeId: Uint8Array, bad: ReadonlySet<string>) {
  try {
    const bytes = await readNode(store, domainId, nodeId);
    if (nodeKindOf(bytes) !== 'segment') return false;
    return decodeSegment(bytes).some(({ chunkId }) => bad.has(entryKey('chunk', chunkId)));
  } catch (error) {
    if (isUnreadable(error)) return true;
    throw error;
  }
}
