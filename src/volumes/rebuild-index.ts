import { BlobFailed } from '../blobs/blob-failed.ts';
import { insertChunks } from './chunk-rows.ts';
import { type Finding, remedies } from './finding.ts';
import { PackBroken } from './pack-format.ts';
import { adopted } from './pack-rows.ts';
import { type PackContents, readPackIndex } from './read-pack-index.ts';
import type { Store } from './store.ts';

/** What the index was made of. */
export interface RebuiltIndex {
  readonly packs: number;
  readonly entries: number;
  /** Packs that the metadata did not know: volumes whose root is in one of them were lost. */
  readonly unknownPacks: ReadonlySet<string>;
  /** Packs that nothing needed when the metadata was last whole. Their entries are in the index, if no other pack has them. */
  readonly condemnedPacks: readonly string[];
}

interface FoundPack {
  readonly id: string;
  readonly sizeBytes: number;
}

/**
 * Fills the empty index from the packs that are there, and makes rows for those that have none. Where several packs have
 * the same chunk, one that the metadata knows as live comes before an unknown one, and that before a condemned one.
 */
export async function rebuildIndex(
  store: Store,
  { signal, onFinding }: { readonly signal: AbortSignal; readonly onFinding: (finding: Finding) => void },
): Promise<RebuiltIndex> {
  const found = { live: [] as FoundPack[], unknown: [] as FoundPack[], condemned: [] as FoundPack[] };
  const present = new Set<string>();
  for await (const { name, sizeBytes } of store.blobs.list()) {
    signal.throwIfAborted();
    present.add(name);
    const row = await store.db.read.selectFrom('packs').selectAll().where('id', '=', name).executeTakeFirst();
    const pack = { id: name, sizeBytes };
    if (row === undefined || row.operation_id === adopted) found.unknown.push(pack);
    else if (row.state === 'live') found.live.push(pack);
    else if (row.state === 'condemned') found.condemned.push(pack);
  }
  for (const id of await findMissing(store, present)) {
    const fact = 'a pack that the metadata names is gone';
    onFinding({ severity: 'error', what: 'pack-missing', id, fact, remedy: remedies.restorePack });
  }

  const done = { packs: 0, entries: 0 };
  const unknownPacks = new Set<string>();
  for (const state of ['live', 'unknown', 'condemned'] as const) {
    for (const pack of found[state].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      signal.throwIfAborted();
      const contents = await readContents(store, pack, onFinding);
      if (contents === undefined) continue;
      await store.db.transact(async (tx) => {
        const size = { size: pack.sizeBytes, live_bytes: null };
        if (state === 'unknown') {
          const row = { domain_id: contents.domainId, state: 'live', condemned_at: null, ...size } as const;
          const writer = { operation_id: adopted, lease_epoch: 0, created_at: store.now(), was_sealed: 1 };
          await tx
            .insertInto('packs')
            .values({ id: pack.id, ...row, ...writer })
            .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
            .execute();
        } else {
          await tx.updateTable('packs').set(size).where('id', '=', pack.id).execute();
        }
        await insertChunks(tx, contents.domainId, pack.id, contents.entries);
      });
      if (state === 'unknown') unknownPacks.add(pack.id);
      done.packs += 1;
      done.entries += contents.entries.length;
    }
  }
  return { ...done, unknownPacks, condemnedPacks: found.condemned.map(({ id }) => id) };
}

async function findMissing({ db }: Store, present: ReadonlySet<string>): Promise<string[]> {
  const rows = await db.read.selectFrom('packs').select('id').where('state', '=', 'live').execute();
  return rows.map(({ id }) => id).filter((id) => !present.has(id));
}

async function readContents(
  store: Store,
  { id, sizeBytes }: FoundPack,
  onFinding: (finding: Finding) => void,
): Promise<PackContents | undefined> {
  try {
    return await readPackIndex(store.blobs, id, sizeBytes);
  } catch (error) {
    // A pack that nobody could ask for is not broken, and must not be left out as if it were.
    const isBroken = error instanceof PackBroken || (error instanceof BlobFailed && error.failure !== 'unreachable');
    if (!isBroken) throw error;
    const remedy = 'keep a copy of it: it has no index, and it is deleted after a day';
    onFinding({ severity: 'error', what: 'pack-broken', id, fact: error.message, remedy });
    return undefined;
  }
}
