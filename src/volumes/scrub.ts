import { BlobFailed } from '../blobs/blob-failed.ts';
import type { Pace } from '../lib/pace.ts';
import { hexOf } from './chunk-id.ts';
import { findEntriesOfPack, type IndexedEntry, releaseChunk } from './chunk-rows.ts';
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
 * nobody is given it and the next import of those bytes heals it. What was in quarantine and reads right comes out of it: the
 * pack was restored, or the storage gave wrong bytes only for a while.
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
    const entries = await findEntriesOfPack(store.db.read, pack.id);
    const { damaged, right } = await verify(store, pack.id, entries, { pace, signal, onRead });
    for (const { entry, fact } of damaged) {
      await quarantine(store, pack.domain_id, entry.kind, { id: entry.id, packId: pack.id, fact });
    }
    await release(store, pack.domain_id, right);
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

/** What is damaged and was not known to be, and what was in quarantine and is right. */
interface Verified {
  readonly damaged: readonly Damaged[];
  readonly right: readonly IndexedEntry[];
}

async function verify(
  store: Store,
  packId: string,
  entries: readonly IndexedEntry[],
  { onRead, ...options }: Pick<ScrubOptions, 'pace' | 'signal'> & { onRead: ScrubOptions['onRead'] },
): Promise<Verified> {
  const damaged: Damaged[] = [];
  const right: IndexedEntry[] = [];
  const good = new Set<string>();
  try {
    // One that is open already could still be read after it was deleted.
    if ((await store.blobs.stat(packId)) === undefined) throw new BlobFailed('missing', packId, 'it is gone');
    for await (const read of readVerified(store, entries, options)) {
      for (const { entry } of read.good) {
        good.add(entryKey(entry.kind, entry.id));
        if (entry.isQuarantined) right.push(entry);
      }
      damaged.push(...read.corrupt.filter(({ entry }) => !entry.isQuarantined));
      onRead?.(read.bytes);
    }
    return { damaged, right };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    // A compaction may have moved the rest; what the index still has here, nobody can read.
    const still = (await findEntriesOfPack(store.db.read, packId))
      .filter(({ kind, id, isQuarantined }) => !isQuarantined && !good.has(entryKey(kind, id)))
      .map((entry) => ({ entry, fact: error.message }));
    return { damaged: still, right: [] };
  }
}

async function release({ db, log }: Store, domainId: string, right: readonly IndexedEntry[]): Promise<void> {
  const [first] = right;
  if (first === undefined) return;
  await db.transact(async (tx) => {
    for (const { kind, id, packId } of right) await releaseChunk(tx, domainId, kind, id, packId);
  });
  log.warn({ pack: first.packId, domain: domainId, chunks: right.length }, 'what was quarantined reads right again');
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
